import type { Command } from 'commander';
import { runCycle } from '../checkpoint/cycle.ts';
import { isPulsehouseError, messageOf, type PulsehouseError } from '../pipeline/errors.ts';
import { auditOnSchedule } from './audit-schedule.ts';
import { CYCLE_TIME } from './checkpoint.ts';
import { atLeastOne, type CommonOptions, pipelineCommand } from './command.ts';
import { consumePartition } from './consume-partition.ts';
import { EXIT } from './exit-codes.ts';
import { InProcessInvoker } from './in-process-invoker.ts';
import { takeOverLapsed } from './lapsed-leases.ts';
import { replaysOnSchedule } from './replay-schedule.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';
import { together } from './together.ts';

interface RunOptions extends CommonOptions {
  readonly concurrency: number;
}

export function registerRun(program: Command): void {
  pipelineCommand<RunOptions>(program, 'run', {
    summary: 'consume and checkpoint on the schedule until stopped',
    description:
      'The whole pipeline as a plain process: the cycle on its interval, consumers whenever there is a backlog, replays that were begun and left, an audit now and then (audit.interval). SIGTERM flushes, commits and gives the leases back. With --json, a line for each cycle.',
    examples: [
      ['pulsehouse run', 'until Ctrl-C'],
      ['pulsehouse run -c a.yml -c b.yml --logs json', 'two pipelines, logs for machines'],
    ],
    run: async ({ options, sessions, terminal, stop }) => {
      terminal.remark(
        `Running ${sessions.map(({ pipeline }) => pipeline.name).join(', ')}; Ctrl-C stops in order`,
      );
      terminal.answer({ running: sessions.map(({ pipeline }) => pipeline.name) });
      await together(stop, (over) =>
        sessions.flatMap((session) => [
          runPipeline(session, options.concurrency, terminal, over),
          auditOnSchedule(session, over),
          replaysOnSchedule(session, over),
        ]),
      );
      terminal.answer({ stopped: true });
      return EXIT.ok;
    },
  }).option('--concurrency <n>', 'partitions drained at once; in follow mode all are', atLeastOne, 32);
}

/** A lease is looked at no more often, whatever its holder's clock says. */
const SOONEST = 500;
/**
 * A draining partition that has more than one turn's work lines up again behind the others: none waits for one that is
 * never empty.
 */
const TURN = 60_000;

/** Cycles, and beside them the leases of others: a partition or a cycle whose holder died waits for no interval. */
async function runPipeline(
  session: Session,
  concurrency: number,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  const { pipeline, log } = session;
  const follow = pipeline.consume.mode === 'follow';
  const work = follow ? { until: 'deadline' as const } : { until: 'drained' as const, turn: TURN };
  const invoker = new InProcessInvoker(
    async (partition) => {
      const { outcome } = await consumePartition(session, { ...work, partition, stop, patient: false });
      return outcome === 'deadline' && !stop.aborted;
    },
    follow ? Number.POSITIVE_INFINITY : concurrency,
    log,
  );
  void sayWhoIsSilent(session, stop);
  try {
    await together(stop, (over) => [
      cycles(session, invoker, terminal, over),
      watchLeases(session, invoker, over),
    ]);
  } finally {
    await invoker.idle();
  }
}

/** At once, since a cycle with nothing to store would not notice; what is silent is asked again by whatever needs it. */
async function sayWhoIsSilent({ answers, log }: Session, stop: AbortSignal): Promise<void> {
  const asked = await Promise.allSettled(answers.names.map((name) => answers.of(name)));
  for (const one of asked) {
    if (one.status === 'rejected' && !stop.aborted) log.error(messageOf(one.reason), { error: one.reason });
  }
}

/** A failing cycle is logged and tried again at the next tick, like the schedule does; what cannot pass ends the process. */
async function cycles(
  session: Session,
  invoker: InProcessInvoker,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  const { pipeline, environment, log, owner } = session;
  for (let cycle = 1; !stop.aborted; cycle += 1) {
    const begun = environment.now();
    let next = begun + pipeline.checkpoint.interval;
    try {
      const result = await runCycle(
        { ...session, invoker },
        { owner: `${owner}/cycle-${cycle}`, deadline: begun + CYCLE_TIME },
      );
      terminal.answer({ pipeline: pipeline.name, ...result });
      const { busyUntil } = result;
      if (busyUntil !== undefined) next = Math.min(next, Math.max(busyUntil, begun + SOONEST));
    } catch (error) {
      if (!isPulsehouseError(error) || (cycle === 1 && cannotPass(error))) throw error;
      log.error(`The cycle failed and is tried again: ${messageOf(error)}`, { error });
    }
    const left = next - environment.now();
    if (left > 0) await environment.sleep(left, stop);
  }
}

/** What is wrong with one partition ends nothing of the others. */
function cannotPass({ kind, where }: PulsehouseError): boolean {
  return kind === 'terminal' && where.partition === undefined;
}

/** Looks whenever a lease of somebody else's runs out, and once an interval whether there are any. */
async function watchLeases(session: Session, invoker: InProcessInvoker, stop: AbortSignal): Promise<void> {
  const { pipeline, environment, log } = session;
  while (!stop.aborted) {
    const begun = environment.now();
    let next = begun + pipeline.checkpoint.interval;
    try {
      const runsOutAt = await takeOverLapsed(session, invoker);
      if (runsOutAt !== undefined) next = Math.min(next, Math.max(runsOutAt, begun + SOONEST));
    } catch (error) {
      if (!isPulsehouseError(error)) throw error;
      log.warn(`The leases of others could not be read: ${messageOf(error)}`, { error });
    }
    await environment.sleep(Math.max(0, next - environment.now()), stop);
  }
}
