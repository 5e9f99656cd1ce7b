import type { Command } from 'commander';
import { parseBound } from '../replay/replay/bound.ts';
import { planRedrive } from '../replay/replay/redrive.ts';
import { startReplay } from '../replay/replay/replay.ts';
import { atLeastOne, type CommonOptions, collectIntegers, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, plural } from './format.ts';
import { runReplay } from './replay-run.ts';
import { requestedBy } from './requested-by.ts';
import { onlySession, type Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

interface RedriveOptions extends CommonOptions {
  readonly from: string;
  readonly to: string;
  readonly partition?: readonly number[];
  readonly yes?: boolean;
  readonly timeout: number;
}

export function registerRedrive(program: Command): void {
  pipelineCommand<RedriveOptions>(program, 'redrive', {
    summary: 'put dead letters through the mapping again',
    description:
      'After the mapping or the table was mended: takes the dead letters of a range from the bucket, inserts those that are rows now, exactly once and at their own positions, and keeps the others as dead letters. Pulsar is not needed for it. Without --yes only the plan is printed.',
    examples: [
      ['pulsehouse redrive', 'which dead letters there are'],
      ['pulsehouse redrive --yes', 'put all of them through again'],
    ],
    run: ({ options, sessions, terminal, stop }) => redrive(onlySession(sessions), options, terminal, stop),
  })
    .option('--from <end>', 'where the range begins', 'origin')
    .option('--to <end>', 'where the range ends', 'committed')
    .option('-p, --partition <n...>', 'only these partitions', collectIntegers)
    .option('--yes', 'act; without it only the plan is printed')
    .option('--timeout <seconds>', 'stop in order after so long', atLeastOne, 3600);
}

async function redrive(
  session: Session,
  options: RedriveOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const { pipeline, environment } = session;
  const deadline = environment.now() + options.timeout * 1000;
  const plan = await planRedrive(
    session,
    {
      mode: 'redrive',
      from: parseBound(options.from),
      to: parseBound(options.to),
      partitions: options.partition,
      target: pipeline.target,
    },
    deadline,
  );
  const spared = plan.ranges.reduce((sum, range) => sum + range.spared, 0);
  const total = plan.ranges.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
  terminal.say(
    table(
      terminal.colour,
      ['partition', 'dead letters', 'first'],
      plan.ranges.map(({ partition, deadLetters, first }) => [
        String(partition),
        count(deadLetters),
        first ?? '-',
      ]),
    ),
  );
  if (spared > 0) {
    terminal.say(
      `\n${plural(spared, 'dead letter')} left alone: expired or excluded (audit in pipeline.yml)`,
    );
  }
  if (!options.yes || total === 0) {
    terminal.answer({ pipeline: pipeline.name, dryRun: true, deadLetters: total, ranges: plan.ranges });
    const rest = total === 0 ? '' : '; --yes puts them through the mapping again';
    terminal.say(`\n${plural(total, 'dead letter')}${rest}`);
    return EXIT.ok;
  }
  const record = await startReplay(session, plan, requestedBy(), deadline);
  return runReplay(session, record, terminal, { stop, deadline });
}
