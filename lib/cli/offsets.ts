import type { Command } from 'commander';
import { PulsehouseError } from '../pipeline/errors.ts';
import { formatPosition, type Position } from '../pipeline/position.ts';
import { readAgain } from '../replay/comparison/absence.ts';
import { type Bound, parseBound } from '../replay/replay/bound.ts';
import { type PlanDependencies, readLedgers } from '../replay/replay/plan.ts';
import { resolveRange } from '../replay/replay/range.ts';
import { earliestPositions } from '../replay/reset/earliest.ts';
import { type PlannedReset, planReset, type ResetRequest, reset } from '../replay/reset/reset.ts';
import { atLeastOne, type CommonOptions, collectIntegers, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count } from './format.ts';
import { requestedBy } from './requested-by.ts';
import { onlySession, type Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

interface OffsetsOptions extends CommonOptions {
  readonly to: string;
  readonly partition?: readonly number[];
  readonly yes?: boolean;
  readonly dropInFlight?: boolean;
  readonly timeout: number;
}

/** Shared with `restore --to`, as is the next one. */
export const MOVE_CUT_OFF =
  'The pipeline is still paused; what was begun is recorded, and the same command again goes on with it.';

export const DROP_IN_FLIGHT = [
  '--drop-in-flight',
  'give up batches in flight whose messages are no longer anywhere; their rows are counted and recorded',
] as const;

export function registerOffsets(program: Command): void {
  const offsets = program.command('offsets').summary('move where a paused pipeline goes on');
  pipelineCommand<OffsetsOptions>(offsets, 'set', {
    summary: 'set positions, and take the table along',
    description: `Moves partitions of a paused pipeline. Moved back, the rows above the new position are removed, since they will be
read again; moved on, what lies between is skipped on purpose and the audit says so. Without --yes only the plan is
printed. Each move is recorded: who, when, from, to. It reaches no further back than what Pulsar was told to forget;
checkpoint.acknowledgeBehind says how far that trails.

--to takes a position (34:567: that entry is the last one taken for read), a checkpoint number, an ISO date or time,
"earliest" or "latest". On a topic that was deleted and created again "earliest" is where the new one begins, and moves its partitions alone.`,
    examples: [
      ['pulsehouse offsets set --partition 3 --to 34:567', 'what it would do'],
      ['pulsehouse offsets set --to latest --yes', 'skip the backlog of every partition'],
    ],
    ending: (options) => ({ atOnce: options.yes ? MOVE_CUT_OFF : 'Nothing was changed.' }),
    run: ({ options, sessions, terminal }) => setOffsets(onlySession(sessions), options, terminal),
  })
    .requiredOption('--to <place>', 'where to go on')
    .option('-p, --partition <n...>', 'only these partitions', collectIntegers)
    .option('--yes', 'act; without it only the plan is printed')
    .option(...DROP_IN_FLIGHT)
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 600);
}

async function setOffsets(session: Session, options: OffsetsOptions, terminal: Terminal): Promise<ExitCode> {
  const { environment, owner } = session;
  const deadline = environment.now() + options.timeout * 1000;
  const positions = await positionsOf(session, options, deadline);
  const { dropInFlight = false } = options;
  if (options.partition === undefined) {
    const left = (await session.knownPartitions()).filter((partition) => !positions.has(partition));
    if (left.length > 0)
      terminal.say(
        `Left as they are: partitions ${left.join(', ')}, which were not made anew; --partition moves them too.\n`,
      );
  }
  return moveOffsets(session, { reason: 'offsets', positions, dropInFlight }, terminal, {
    act: options.yes === true,
    by: { by: requestedBy(), owner, deadline },
  });
}

interface MoveTerms {
  readonly act: boolean;
  readonly by: { readonly by: string; readonly owner: string; readonly deadline: number };
}

export async function moveOffsets(
  session: Session,
  request: ResetRequest,
  terminal: Terminal,
  { act, by }: MoveTerms,
): Promise<ExitCode> {
  const planned = await planReset(session, request, by.deadline);
  const again = planned.flatMap((plan) => readAgain(session.pipeline, plan));
  terminal.say(tableOf(terminal, planned));
  for (const line of again) terminal.say(`${terminal.colour.yellow('mind')}  ${line}`);
  if (act) await reset(session, request, by);
  terminal.answer({
    pipeline: session.pipeline.name,
    done: act,
    readAgain: again,
    partitions: planned.map(({ partition, from, to, rows, inFlight }) => ({
      partition,
      from: formatPosition(from),
      to: formatPosition(to),
      rowsRemoved: rows,
      inFlight: inFlight.map((batch) => ({
        ...batch,
        after: formatPosition(batch.after),
        to: formatPosition(batch.to),
      })),
    })),
  });
  for (const line of inFlightLines(planned, request.dropInFlight === true)) terminal.say(line);
  const rows = planned.reduce((sum, plan) => sum + plan.rows, 0);
  terminal.say(
    act
      ? `\nMoved; ${count(rows)} rows were removed. The pipeline is still paused: \`pulsehouse resume\``
      : `\n${terminal.colour.dim('dry run')}  nothing was changed; --yes would remove ${count(rows)} rows and move ${planned.length} partitions`,
  );
  return EXIT.ok;
}

function inFlightLines(planned: readonly PlannedReset[], dropped: boolean): readonly string[] {
  return planned.flatMap(({ partition, inFlight }) =>
    inFlight.map(
      ({ after, to, messages, rows }) =>
        `partition ${partition}: batch (${formatPosition(after)}, ${formatPosition(to)}] in flight, ${count(messages)} messages of which ${count(rows)} rows stand, is ${dropped ? 'given up' : 'settled first'}`,
    ),
  );
}

function tableOf(terminal: Terminal, planned: readonly PlannedReset[]): string {
  return table(
    terminal.colour,
    ['partition', 'from', 'to', 'rows removed'],
    planned.map(({ partition, from, to, rows }) => [
      String(partition),
      formatPosition(from),
      formatPosition(to),
      count(rows),
    ]),
  );
}

/** @throws PulsehouseError PH_RANGE_INVALID */
async function positionsOf(
  session: Session & PlanDependencies,
  { to, partition }: OffsetsOptions,
  deadline: number,
): Promise<ReadonlyMap<number, Position>> {
  const { transport } = session;
  const ledgers = await readLedgers(session, partition, deadline);
  const states = ledgers.map(({ state }) => state);
  if (to === 'earliest')
    return earliestPositions(session, { states, named: partition !== undefined }, deadline);
  if (to === 'latest') {
    const last = await Promise.all(states.map(({ topic }) => transport.lastPosition(topic, deadline)));
    return new Map(states.map((state, index) => [state.partition, last[index] ?? state.committed]));
  }
  const bound = parseBound(to);
  if (bound.kind === 'position') return new Map([[onePartition(states), bound.position]]);
  const origin: Bound = { kind: 'origin' };
  const ranges = await resolveRange(session, { from: origin, to: bound }, ledgers, deadline);
  return new Map(
    ledgers.map(({ state, origin: begin }) => [
      state.partition,
      ranges.find((range) => range.partition === state.partition)?.to ?? begin,
    ]),
  );
}

function onePartition(states: readonly { readonly partition: number }[]): number {
  const [first, ...others] = states;
  if (first && others.length === 0) return first.partition;
  throw new PulsehouseError('PH_RANGE_INVALID', 'a position belongs to one partition', {
    nextStep: 'Name it with --partition.',
  });
}
