import type { Command } from 'commander';
import { type CycleResult, runCycle } from '../checkpoint/cycle.ts';
import { atLeastOne, type CommonOptions, pipelineCommand } from './command.ts';
import { consumePartition } from './consume-partition.ts';
import { EXIT, type ExitCode, worstOf } from './exit-codes.ts';
import { count, plural } from './format.ts';
import { InProcessInvoker } from './in-process-invoker.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

interface CheckpointOptions extends CommonOptions {
  readonly concurrency: number;
}

/** One cycle's time, the same as the scheduled function has. */
export const CYCLE_TIME = 55_000;

export function registerCheckpoint(program: Command): void {
  pipelineCommand<CheckpointOptions>(program, 'checkpoint', {
    summary: 'one flush/ack cycle',
    description:
      'Asks every consumer to flush, consumes partitions with a backlog in this process, takes the snapshot and tells Pulsar what may be forgotten. Exit code 4 while a partition is halted, 5 when one could not store what there is.',
    examples: [['pulsehouse checkpoint', 'one cycle, now']],
    run: async ({ options, sessions, terminal, stop }) => {
      const codes = sessions.map((session) => checkpointOnce(session, options, terminal, stop));
      return worstOf(await Promise.all(codes));
    },
  }).option('--concurrency <n>', 'partitions consumed at once', atLeastOne, 8);
}

async function checkpointOnce(
  session: Session,
  options: CheckpointOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const { environment, log, owner } = session;
  const drain = async (partition: number) => {
    await consumePartition(session, { partition, until: 'drained', stop, patient: false });
    return false;
  };
  const invoker = new InProcessInvoker(drain, options.concurrency, log);
  try {
    const request = { owner: `${owner}/cycle`, deadline: environment.now() + CYCLE_TIME };
    const result = await runCycle({ ...session, invoker }, request);
    terminal.answer({ pipeline: session.pipeline.name, ...result });
    terminal.say(describe(result));
    if (result.failing.length > 0) {
      const partitions = plural(result.failing.length, 'partition');
      terminal.complain(
        `${partitions} could not store what there is: ${result.failing.join(', ')}; \`pulsehouse status\` says why`,
      );
    }
    if (result.waiting.length > 0)
      terminal.complain(
        `${plural(result.waiting.length, 'partition')} whose tries fail wait for their next one`,
      );
    return codeOf(result);
  } finally {
    await invoker.idle();
  }
}

function describe(result: CycleResult): string {
  switch (result.outcome) {
    case 'completed':
      return `Checkpoint ${result.checkpoint}: ${plural(result.flushedRows, 'row')} flushed, ${count(result.acknowledgedMessages)} messages acknowledged`;
    case 'unchanged':
      return `Nothing moved since checkpoint ${result.checkpoint}`;
    case 'busy':
      return 'Another cycle is under way; it does the work';
    case 'paused':
      return 'The pipeline is paused; `pulsehouse resume` lets it go on';
    case 'fenced':
      return 'A newer cycle took over; it does the work';
  }
}

function codeOf(result: CycleResult): ExitCode {
  if (result.halted.length > 0) return EXIT.halted;
  if (result.failing.length > 0) return EXIT.stuck;
  return result.outcome === 'completed' || result.outcome === 'unchanged' ? EXIT.ok : EXIT.failed;
}
