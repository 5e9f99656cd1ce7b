import { type Command, Option } from 'commander';
import pLimit from 'p-limit';
import { unknownPartition } from '../replay/unknown-partition.ts';
import { atLeastOne, type CommonOptions, integer, pipelineCommand } from './command.ts';
import { consumePartition, type PartitionOutcome } from './consume-partition.ts';
import { EXIT, type ExitCode, worstOf } from './exit-codes.ts';
import { bytes, count, duration } from './format.ts';
import type { Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';
import { together } from './together.ts';

interface ConsumeOptions extends CommonOptions {
  readonly partition?: number;
  readonly until?: 'drained' | 'stopped';
  readonly concurrency: number;
  readonly wait: boolean;
}

export function registerConsume(program: Command): void {
  const command = pipelineCommand<ConsumeOptions>(program, 'consume', {
    summary: 'pull, insert and commit',
    description:
      'Pulls entries from Pulsar into ClickHouse and commits them: every partition, or one. Ends when drained, or runs until stopped where consume.mode is "follow".',
    examples: [
      ['pulsehouse consume', 'every partition until its backlog is drained'],
      ['pulsehouse consume --partition 3 --until stopped', 'one partition, until Ctrl-C'],
    ],
    run: async ({ options, sessions, terminal, stop }) => {
      const codes = await together(stop, (over) =>
        sessions.map((session) => consumeAll(session, options, terminal, over)),
      );
      return worstOf(codes);
    },
  });
  command
    .option('-p, --partition <n>', 'only this partition', integer)
    .addOption(new Option('--until <when>', 'when to end').choices(['drained', 'stopped']))
    .option('--concurrency <n>', 'partitions at once', atLeastOne, 8)
    .option('--no-wait', 'leave a partition that somebody else holds');
}

async function consumeAll(
  session: Session,
  options: ConsumeOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const { pipeline, environment } = session;
  const until = options.until ?? (pipeline.consume.mode === 'follow' ? 'stopped' : 'drained');
  const known = await session.knownPartitions();
  const { partition: only } = options;
  if (only !== undefined && !known.includes(only)) throw unknownPartition(pipeline, only);
  const partitions = only === undefined ? known : [only];
  const begun = environment.now();
  const atOnce = until === 'stopped' ? partitions.length : options.concurrency;
  const limit = pLimit(Math.max(1, atOnce));
  const outcomes = await together(stop, (over) =>
    partitions.map((partition) =>
      limit(() =>
        consumePartition(session, {
          partition,
          until: until === 'stopped' ? 'deadline' : 'drained',
          stop: over,
          patient: options.wait,
        }),
      ),
    ),
  );
  const seconds = (environment.now() - begun) / 1000;
  terminal.answer({ pipeline: pipeline.name, seconds, partitions: outcomes });
  terminal.say(tableOf(terminal, outcomes));
  terminal.say(summary(outcomes, seconds));
  for (const { halt, partition } of outcomes) {
    if (halt) terminal.complain(`Partition ${partition} is halted: ${halt.reason}\n  next  ${halt.nextStep}`);
  }
  for (const { partition, outcome, committed } of outcomes) {
    if (outcome !== 'stalled') continue;
    terminal.complain(
      `Partition ${partition} is not drained: Pulsar has entries above ${committed ?? 'its beginning'} and did not give them.\n  next  Look for slow or lost bookies; the same command goes on.`,
    );
  }
  const isAny = (...named: readonly PartitionOutcome['outcome'][]) =>
    outcomes.some(({ outcome }) => named.includes(outcome));
  if (isAny('halted')) return EXIT.halted;
  if (isAny('paused', 'fenced', 'stalled')) return EXIT.failed;
  // What somebody else holds was waited for, unless the wait was cut short or not wanted.
  if (isAny('busy') && options.wait) return stop.aborted ? EXIT.interrupted : EXIT.failed;
  return until === 'drained' && isAny('stopped') ? EXIT.interrupted : EXIT.ok;
}

function tableOf(terminal: Terminal, outcomes: readonly PartitionOutcome[]): string {
  return table(
    terminal.colour,
    ['partition', 'outcome', 'batches', 'messages', 'rows', 'dead letters', 'committed'],
    outcomes.map((outcome) => [
      String(outcome.partition),
      outcome.outcome,
      count(outcome.batches),
      count(outcome.messages),
      count(outcome.rows),
      count(outcome.deadLetters),
      outcome.committed ?? '-',
    ]),
  );
}

function summary(outcomes: readonly PartitionOutcome[], seconds: number): string {
  const rows = outcomes.reduce((sum, outcome) => sum + outcome.rows, 0);
  const size = outcomes.reduce((sum, outcome) => sum + outcome.bytes, 0);
  const rate = seconds > 0 ? Math.round(rows / seconds) : rows;
  return `${count(rows)} rows, ${bytes(size)} in ${duration(seconds * 1000)}: ${count(rate)} rows a second`;
}
