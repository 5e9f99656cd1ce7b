import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../infra/local/package-root.ts';
import type { StackEnvironment } from '../../infra/local/server-plan.ts';

export const COMMAND = join(packageRoot, 'bin', 'pulsehouse.js');

export interface Answered {
  readonly code: number | null;
  /** The one line of JSON it answered; undefined when it was killed before. */
  readonly answer: Record<string, unknown> | undefined;
  readonly said: string;
}

export interface Commands {
  run(...words: readonly string[]): Promise<Answered>;
  /** Started and left to run; `ended` resolves when it has ended, however that came about. */
  start(...words: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Answered> };
}

/** The command line as a person uses it: one process a command. */
export function commandsFor(
  pipelineFile: string,
  environment: StackEnvironment,
  signal: AbortSignal,
): Commands {
  const start: Commands['start'] = (...words) => {
    const child = spawn(process.execPath, [COMMAND, ...words, '-c', pipelineFile, '--json'], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const abort = () => child.kill('SIGTERM');
    signal.addEventListener('abort', abort, { once: true });
    const out: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const ended = new Promise<Answered>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        signal.removeEventListener('abort', abort);
        const line = Buffer.concat(out).toString('utf8').trimEnd().split('\n').at(-1);
        resolve({
          code,
          answer: line ? (JSON.parse(line) as Record<string, unknown>) : undefined,
          said: Buffer.concat(said).toString('utf8').trimEnd(),
        });
      });
    });
    return { child, ended };
  };
  return { start, run: (...words) => start(...words).ended };
}
