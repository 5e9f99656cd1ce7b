import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../../infra/local/package-root.ts';
import type { Subject } from './subject.ts';

export interface RestartResult {
  /** Seconds from each restart to the first new row. */
  readonly seconds: readonly number[];
  readonly median: number;
  readonly worst: number;
  readonly lost: number;
  readonly doubled: number;
}

const LOOK_EVERY = 20;
/** What the killed process had sent may still be stored; the new one has not even loaded its code by then. */
const STILL_LANDING = 300;
/** In follow mode it is killed at a chance moment so long after its rows began, milliseconds. */
const WORKS_FOR = 9_000;
/** While draining, at a chance moment up to when the last one's rows began, and half as much: there the work is short. */
const DRAINS_FOR = 1.5;
const FIRST_DRAIN = 2;
/** Rows a round: a backlog that takes longer than the work, or a trickle of one entry a partition and half a second. */
const BACKLOG = 400_000;
const TRICKLE = { every: 500, messages: 5 };

/** After so many seconds the log is shown too. */
const SLOW = 8;
const LINES_SHOWN = 30;

/** Kills and restarts so often, then lets everything be stored and counts. */
export async function playRounds(
  subject: Subject,
  rounds: number,
  say: (line: string) => void,
): Promise<RestartResult> {
  const seconds: number[] = [];
  const trickle = subject.mode === 'follow' ? startTrickle(subject) : undefined;
  let run: ChildProcess | undefined;
  try {
    while (seconds.length < rounds) {
      if (!trickle) {
        await stopped(run);
        run = undefined;
        await publishBacklog(subject);
      }
      run ??= start(subject);
      if (trickle) {
        await newRows(subject, (await subject.rows()).rows);
        await sleep(Math.random() * WORKS_FOR);
      } else {
        await sleep(Math.random() * DRAINS_FOR * (seconds.at(-1) ?? FIRST_DRAIN) * 1000);
      }
      const exited = once(run, 'exit');
      run.kill('SIGKILL');
      await exited;
      const restartedAt = performance.now();
      run = start(subject);
      await sleep(STILL_LANDING);
      const { rows } = await subject.rows();
      // Killed when all was done already: there is nothing to be measured by.
      if (!trickle && rows === subject.published) continue;
      await newRows(subject, rows);
      seconds.push(round2((performance.now() - restartedAt) / 1000));
      say(
        `  ${subject.mode}, ${subject.partitions} partitions, restart ${seconds.length}: ${seconds.at(-1)} s`,
      );
      if ((seconds.at(-1) ?? 0) > SLOW) say(lastLines(`${subject.file}.log`));
    }
    await trickle?.stop();
    while ((await subject.rows()).distinct < subject.published) await sleep(LOOK_EVERY);
    await stopped(run);
    const { rows, distinct } = await subject.rows();
    const sorted = [...seconds].sort((a, b) => a - b);
    return {
      seconds,
      median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
      worst: sorted.at(-1) ?? Number.NaN,
      lost: subject.published - distinct,
      doubled: rows - distinct,
    };
  } finally {
    await trickle?.stop();
    run?.kill('SIGKILL');
    await subject.close();
  }
}

/** The built command line, as an installed package has it. */
function start({ file, environment }: Subject): ChildProcess {
  const command = [join(packageRoot, 'dist', 'cli.js'), 'run', '-c', file];
  const log = openSync(`${file}.log`, 'a');
  const run = spawn(process.execPath, command, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return run;
}

async function stopped(run: ChildProcess | undefined): Promise<void> {
  if (!run || run.exitCode !== null || run.signalCode !== null) return;
  const exited = once(run, 'exit');
  run.kill('SIGTERM');
  await exited;
}

async function newRows(subject: Subject, standing: number): Promise<void> {
  while ((await subject.rows()).rows <= standing) await sleep(LOOK_EVERY);
}

async function publishBacklog(subject: Subject): Promise<void> {
  const messagesAnEntry = 500;
  const entries = Math.ceil(BACKLOG / messagesAnEntry / subject.partitions);
  for (let entry = 0; entry < entries; entry += 1) await subject.publish(messagesAnEntry);
}

function startTrickle(subject: Subject): { stop(): Promise<void> } {
  const over = new AbortController();
  const trickling = (async () => {
    while (!over.signal.aborted) {
      await subject.publish(TRICKLE.messages);
      await sleep(TRICKLE.every);
    }
  })();
  return {
    async stop() {
      over.abort();
      await trickling;
    },
  };
}

function lastLines(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LINES_SHOWN).join('\n');
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
