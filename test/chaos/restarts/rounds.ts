import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
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
/** Killed at a chance moment so long after its rows began, milliseconds. */
const WORKS_FOR = { drain: 1_500, follow: 9_000 };
/** Rows a round: a backlog that takes longer than the work, or a trickle of one entry a partition and half a second. */
const BACKLOG = 600_000;
const TRICKLE = { every: 500, messages: 5 };

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
    for (let round = 0; round < rounds; round += 1) {
      if (!trickle) {
        await stopped(run);
        run = undefined;
        await publishBacklog(subject);
      }
      run ??= start(subject);
      await newRows(subject, (await subject.rows()).rows);
      await sleep(Math.random() * WORKS_FOR[subject.mode]);
      const exited = once(run, 'exit');
      run.kill('SIGKILL');
      await exited;
      const restartedAt = performance.now();
      run = start(subject);
      await sleep(STILL_LANDING);
      await newRows(subject, (await subject.rows()).rows);
      seconds.push(round2((performance.now() - restartedAt) / 1000));
      say(`  ${subject.mode}, ${subject.partitions} partitions, restart ${round + 1}: ${seconds.at(-1)} s`);
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
  return spawn(process.execPath, command, { env: { ...process.env, ...environment }, stdio: 'ignore' });
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

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
