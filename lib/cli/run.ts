import type { Command } from 'commander';
import { runCycle } from '../checkpoint/cycle.ts';
import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import { auditOnSchedule } from './audit-schedule.ts';
import { CYCLE_TIME } from './checkpoint.ts';
import { atLeastOne, type CommonOptions, pipelineCommand } from './command.ts';
import { consumePartition } from './consume-partition.ts';
import { EXIT } from './exit-codes.ts';
import { InProcessInvoker } from './in-process-invoker.ts';
import { replaysOnSchedule } from './replay-schedule.ts';
import type { Session } from './session.ts';
import { together } from './together.ts';

interface RunOptions extends CommonOptions {
  readonly concurrency: number;
}

export function registerRun(program: Command): void {
  pipelineCommand<RunOptions>(program, 'run', {
    summary: 'consume and checkpoint on the schedule until stopped',
    description:
      'The whole pipeline as a plain process: the cycle on its interval, consumers whenever there is a backlog, replays that were begun and left, an audit now and then (audit.interval). SIGTERM flushes, commits and gives the leases back.',
    examples: [
      ['pulsehouse run', 'until Ctrl-C'],
      ['pulsehouse run -c a.yml -c b.yml --logs json', 'two pipelines, logs for machines'],
    ],
    run: async ({ options, sessions, terminal, stop }) => {
      terminal.remark(
        `Running ${sessions.map(({ pipeline }) => pipeline.name).join(', ')}; Ctrl-C stops in order`,
      );
      await together(stop, (over) =>
        sessions.flatMap((session) => [
          runPipeline(session, options.concurrency, over),
          auditOnSchedule(session, over),
          replaysOnSchedule(session, over),
        ]),
      );
      terminal.answer({ stopped: true });
      return EXIT.ok;
    },
  }).option('--concurrency <n>', 'partitions consumed at once', atLeastOne, 32);
}

/** A failing cycle is told and tried again at the next tick, like the schedule does; what cannot pass ends the process. */
async function runPipeline(session: Session, concurrency: number, stop: AbortSignal): Promise<void> {
  const { pipeline, environment, log, owner } = session;
  const until = pipeline.consume.mode === 'follow' ? 'deadline' : 'drained';
  const invoker = new InProcessInvoker(
    (partition) => consumePartition(session, { partition, until, stop, patient: false }),
    concurrency,
    log,
  );
  try {
    for (let cycle = 1; !stop.aborted; cycle += 1) {
      const begun = environment.now();
      try {
        await runCycle(
          { ...session, invoker },
          { owner: `${owner}/cycle-${cycle}`, deadline: begun + CYCLE_TIME },
        );
      } catch (error) {
        if (!isPulsehouseError(error) || (error.kind === 'terminal' && cycle === 1)) throw error;
        log.error(`The cycle failed and is tried again: ${messageOf(error)}`, { error });
      }
      const left = begun + pipeline.checkpoint.interval - environment.now();
      if (left > 0) await environment.sleep(left, stop);
    }
  } finally {
    await invoker.idle();
  }
}
