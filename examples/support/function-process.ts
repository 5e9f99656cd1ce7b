import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot } from '../../infra/local/package-root.ts';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';
import { runWatched, type Watched } from '../../infra/local/watched.ts';

/** The built command line: functions run as they would be shipped, on plain Node. */
const BUNDLE = join(packageRoot, 'dist', 'cli.js');

export interface FunctionPlace {
  readonly environment: StackEnvironment;
  /** Holds what the processes say. */
  readonly folder: string;
  readonly pipelineFile: string;
}

export interface FunctionProcess extends Watched {
  /** Its log lines. */
  readonly log: string;
  /** The one line of JSON it answered. @throws Error with the end of its log when it answered none. */
  answer<Answer>(): Promise<Answer>;
}

let started = 0;

/** Runs one command as a process of its own, which ends when this process does, however that comes about. */
export async function startFunction(
  { environment, folder, pipelineFile }: FunctionPlace,
  [command, ...options]: readonly [string, ...string[]],
): Promise<FunctionProcess> {
  started += 1;
  const name = `${String(started).padStart(3, '0')}-${command}`;
  const log = join(folder, `${name}.log`);
  const output = join(folder, `${name}.json`);
  const watched = await runWatched({
    command: process.execPath,
    arguments: [BUNDLE, command, '-c', pipelineFile, '--json', '--logs', 'json', ...options],
    environment,
    folder,
    log,
    output,
    grace: 20,
  });
  return {
    ...watched,
    log,
    answer: async <Answer>() => {
      const code = await watched.ended;
      const line = (await readFile(output, 'utf8')).trimEnd().split('\n').at(-1);
      if (line) return JSON.parse(line) as Answer;
      const said = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-5).join('\n');
      throw new Error(`pulsehouse ${command} ended with ${code} and said:\n${said}`);
    },
  };
}
