import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { localFiles } from './package-root.ts';

export interface Command {
  readonly command: string;
  readonly arguments: readonly string[];
  /** Added to this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder: string;
  /** What it says is added to this file. */
  readonly log: string;
  /** Its standard output goes to this file instead. */
  readonly output?: string;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly grace: number;
}

/** A command under watchdog.py: it ends when this process ends, however that comes about, unless it was released. */
export interface Watched {
  readonly watchdog: ChildProcess;
  /** Process id of the command itself. */
  readonly pid: number;
  /** Resolves with the exit code (128 + n for signal n) when the command and its process group have ended. */
  readonly ended: Promise<number>;
  /** Asks it to end in order. */
  end(): void;
  /** From now on it outlives this process. */
  release(): Promise<void>;
}

/** @throws Error when the command cannot be started; its reason is in the log. */
export async function runWatched(command: Command): Promise<Watched> {
  const log = openSync(command.log, 'a');
  const output = command.output === undefined ? log : openSync(command.output, 'a');
  const watchdog = spawn(
    'python3',
    [join(localFiles, 'watchdog.py'), String(command.grace), command.command, ...command.arguments],
    {
      cwd: command.folder,
      env: { ...process.env, ...command.environment },
      stdio: ['ignore', output, log, 'pipe'],
      // A session of its own: Ctrl-C in a terminal reaches us, and we end it in order.
      detached: true,
    },
  );
  closeSync(log);
  if (output !== log) closeSync(output);
  const ended = new Promise<number>((resolve, reject) => {
    watchdog.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
    watchdog.once('error', reject);
  });
  const tie = watchdog.stdio[3] as Duplex;
  tie.on('error', () => undefined); // Its other end goes when the watchdog goes; `ended` tells.
  const [pid] = await Promise.race([once(tie, 'data'), ended.then((code) => [`ended with ${code}`])]);
  if (Number.isNaN(Number(pid))) throw new Error(`${command.command} ${String(pid)}, see ${command.log}`);
  return {
    watchdog,
    pid: Number(pid),
    ended,
    end: () => void watchdog.kill('SIGTERM'),
    release: async () => {
      await new Promise<void>((resolve) => tie.write('release\n', () => resolve()));
      tie.destroy();
      watchdog.unref();
    },
  };
}
