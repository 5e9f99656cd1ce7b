import type { Command } from 'commander';
import { openBucket, openStateTable } from '../assembly/servers.ts';
import { ensureStores } from '../initialise/stores.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import { formatPosition } from '../pipeline/position.ts';
import { parseBound } from '../replay/replay/bound.ts';
import { restore } from '../replay/restore/restore.ts';
import { newestValidSnapshot } from '../replay/restore/valid-snapshot.ts';
import { bringUp } from './branch.ts';
import { atLeastOne, type CommonOptions, integer, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, duration } from './format.ts';
import { DROP_IN_FLIGHT, MOVE_CUT_OFF, moveOffsets } from './offsets.ts';
import { requestedBy } from './requested-by.ts';
import { onlySession, type Session } from './session.ts';
import type { Ending } from './signals.ts';
import { type Terminal, table } from './terminal.ts';

interface RestoreOptions extends CommonOptions {
  readonly to?: number;
  readonly yes?: boolean;
  readonly lostAt?: string;
  readonly dropInFlight?: boolean;
  readonly from?: string;
  readonly fromBucket?: string;
  readonly copyRows?: boolean;
  readonly ddl?: string;
  readonly timeout: number;
}

export function registerRestore(program: Command): void {
  pipelineCommand<RestoreOptions>(program, 'restore', {
    summary: 'rebuild the state from a snapshot, or roll back to a checkpoint',
    description: `Without --to: rebuilds a lost or outdated state table from the newest valid snapshot in the bucket, makes whole what
ClickHouse holds beyond it, and goes on exactly. Refused while the state is there and not behind. It waits until no
insert of an earlier writer can still arrive: batch.insertTimeout, counted from --lost-at where that is known.

With --to N: rolls table and state back to checkpoint N together, on a paused pipeline. It reaches as far back as
acknowledgement trails (checkpoint.acknowledgeBehind): what Pulsar was told to forget may be gone before it is read again.

With --from FILE: brings this pipeline up beside the one of that file, which goes on: from its newest checkpoint or --to N,
with a name, a subscription and a table of its own. --copy-rows copies the rows up to there inside ClickHouse; without it
they are expected in the table, and counted.`,
    examples: [
      ['pulsehouse restore', 'after the state table was lost'],
      ['pulsehouse restore --to 120', 'what rolling back to checkpoint 120 would do'],
      ['pulsehouse restore --to 120 --yes', 'roll back'],
      ['pulsehouse restore -c green.yml --from blue.yml --copy-rows', 'a second pipeline beside the first'],
    ],
    ending: endingOf,
    run: ({ options, sessions, terminal, stop }) => {
      const session = onlySession(sessions);
      const { from } = options;
      if (from !== undefined) return bringUp(session, { ...options, from }, terminal);
      return options.to === undefined
        ? rebuild(session, options, terminal, stop)
        : rollBack(session, options.to, options, terminal);
    },
  })
    .option(
      '--to <checkpoint>',
      'roll table and state back to it; with --from the checkpoint to begin from',
      integer,
    )
    .option('--yes', 'with --to: act; without it only the plan is printed')
    .option(...DROP_IN_FLIGHT)
    .option('--lost-at <time>', 'when the state was lost (ISO): no writer could go on after it')
    .option('--from <file>', 'begin from a checkpoint of the pipeline of that file, which goes on')
    .option('--from-bucket <name>', 'with --from: its bucket, where it is not PULSEHOUSE_BUCKET')
    .option('--copy-rows', 'with --from: copy the rows from its table')
    .option('--ddl <file>', 'with --from: SQL that makes the table where it is missing')
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 3600);
}

/** A rebuilding watches its signal; what it moves, or brings up beside it, is recorded step by step. */
function endingOf({ to, from, yes }: RestoreOptions): Ending {
  if (from !== undefined)
    return { atOnce: 'The first pipeline goes on; the same command again goes on too.' };
  if (to === undefined) return 'in order';
  return { atOnce: yes ? MOVE_CUT_OFF : 'Nothing was changed.' };
}

async function rebuild(
  session: Session,
  options: RestoreOptions,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<ExitCode> {
  const { environment, owner, settings } = session;
  const begun = environment.now();
  const deadline = begun + options.timeout * 1000;
  await session.answers.all(['DynamoDB', 'S3']);
  const stateTable = await openStateTable(settings, session);
  const bucket = await openBucket(settings, session);
  try {
    await ensureStores(stateTable, bucket, deadline, ({ outcome, message }) => {
      if (outcome === 'created') terminal.say(`created ${message}`);
    });
  } finally {
    stateTable.client.destroy();
    bucket.client.destroy();
  }
  const result = await restore(session, {
    by: requestedBy(),
    owner,
    deadline,
    stop,
    lostAt: options.lostAt === undefined ? undefined : timeOf(options.lostAt),
    onStep: (step) =>
      terminal.say(`${terminal.colour.dim(duration(environment.now() - begun).padStart(8))}  ${step}`),
  });
  session.log.info(`Restoring from checkpoint ${result.checkpoint}`, { snapshot: result.snapshot });
  const seconds = (environment.now() - begun) / 1000;
  terminal.answer({
    ...result,
    seconds,
    partitions: result.partitions.map((part) => ({
      ...part,
      from: formatPosition(part.from),
      to: formatPosition(part.to),
    })),
  });
  terminal.say(
    `\n${table(
      terminal.colour,
      ['partition', 'snapshot', 'goes on above', 'rows beyond'],
      result.partitions.map(({ partition, from, to, messages }) => [
        String(partition),
        formatPosition(from),
        formatPosition(to),
        count(messages),
      ]),
    )}`,
  );
  terminal.say(
    `\nRestored from checkpoint ${result.checkpoint} as ${result.snapshot} in ${duration(seconds * 1000)}`,
  );
  return EXIT.ok;
}

async function rollBack(
  session: Session,
  checkpoint: number,
  options: RestoreOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const { environment, owner, objects, pipeline } = session;
  const deadline = environment.now() + options.timeout * 1000;
  const { snapshot } = await newestValidSnapshot(objects, pipeline.name, checkpoint, deadline);
  const positions = new Map(snapshot.partitions.map(({ partition, committed }) => [partition, committed]));
  const { dropInFlight = false } = options;
  return moveOffsets(session, { reason: 'rollback', positions, dropInFlight }, terminal, {
    act: options.yes === true,
    by: { by: requestedBy(), owner, deadline },
  });
}

/** @throws PulsehouseError PH_RANGE_INVALID */
function timeOf(text: string): number {
  const bound = parseBound(text);
  if (bound.kind === 'time') return bound.publishTime;
  throw new PulsehouseError('PH_RANGE_INVALID', `"${text}" is not a time`, {
    nextStep: 'Write --lost-at as an ISO time, for example 2026-11-22T17:45:00Z.',
  });
}
