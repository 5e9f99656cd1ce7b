import { loadPipelines } from '../../lib/configuration/load.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';

/**
 * The pipelines of a deployment by name; `files` are separated by commas, relative to serverless.yml.
 * @throws PulsehouseError PH_CONFIG_INVALID naming file, key, value and fix: nothing wrong is ever packaged.
 */
export async function readPipelineFiles(files: string): Promise<Readonly<Record<string, Pipeline>>> {
  const { pipelines } = await loadPipelines(listOf(files));
  return Object.fromEntries(pipelines.map((pipeline) => [pipeline.name, pipeline]));
}

/** Items of a list separated by commas. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
