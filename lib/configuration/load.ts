import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { parsePipeline } from './parse.ts';
import { formatProblem, type Problem } from './problem.ts';
import { checkTogether } from './rules.ts';

/** What was found in files, whether or not they can be used. */
export interface CheckedPipelines {
  readonly pipelines: readonly Pipeline[];
  readonly problems: readonly Problem[];
}

export interface LoadedPipelines {
  readonly pipelines: readonly Pipeline[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads pipelines from their files.
 * @throws PulsehouseError PH_CONFIG_INVALID that lists every error of every file.
 */
export async function loadPipelines(files: readonly string[]): Promise<LoadedPipelines> {
  const { pipelines, problems } = await checkPipelines(files);
  const errors = problems.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    throw new PulsehouseError('PH_CONFIG_INVALID', errors.map(formatProblem).join('\n'));
  }
  return { pipelines, warnings: problems };
}

/**
 * Reads pipelines from their files, and answers every error and warning.
 * @throws PulsehouseError PH_CONFIG_INVALID when a file cannot be read.
 */
export async function checkPipelines(files: readonly string[]): Promise<CheckedPipelines> {
  const pipelines: Pipeline[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const parsed = parsePipeline(await readPipelineFile(file), file);
    problems.push(...parsed.problems);
    if (!parsed.pipeline) continue;
    problems.push(...checkTogether(parsed.pipeline, pipelines).map(parsed.locate));
    pipelines.push(parsed.pipeline);
  }
  return { pipelines, problems };
}

async function readPipelineFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const path = resolve(file);
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = isMissing ? `there is no ${path}` : `${path} cannot be read: ${messageOf(error)}`;
    throw new PulsehouseError('PH_CONFIG_INVALID', message, {
      nextStep:
        'Give every command the file that `init` was given, by `--config <file>` or once by PULSEHOUSE_CONFIG; without them ./pipeline.yml is read.',
      cause: error,
    });
  }
}
