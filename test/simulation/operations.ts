import type { ErrorCode } from '../../lib/pipeline/error-codes.ts';
import { isPulsehouseError, PulsehouseError } from '../../lib/pipeline/errors.ts';
import { BEFORE_ALL, isAfter, isSamePosition, laterOf, type Position } from '../../lib/pipeline/position.ts';
import { withRangesInObjects } from '../../lib/ports/ranges-in-objects.ts';
import { pause, resumePipeline } from '../../lib/replay/pause.ts';
import {
  type PlanDependencies,
  planReplay,
  type ReplayRequest,
  readLedgers,
} from '../../lib/replay/replay/plan.ts';
import { planRedrive } from '../../lib/replay/replay/redrive.ts';
import { advanceReplay, startReplay } from '../../lib/replay/replay/replay.ts';
import { earliestPositions } from '../../lib/replay/reset/earliest.ts';
import { planReset, type ResetRequest, reset } from '../../lib/replay/reset/reset.ts';
import { restore } from '../../lib/replay/restore/restore.ts';
import { newestValidSnapshot } from '../../lib/replay/restore/valid-snapshot.ts';
import { SimulatedReplayStore } from './fakes/replay-store.ts';
import { SimulatedTargetTable } from './fakes/target-table.ts';
import { UNREADABLE } from './messages.ts';
import type { RunBook } from './on-call.ts';
import { type Attempt, Operator, type Step } from './operator.ts';
import type { World } from './world.ts';

/** Milliseconds: longer than any process is frozen. */
const LONGEST_SLEEP = 91_000;

/** What a person does by hand, and what makes it needed. */

export function dependencies(world: World, { invocation }: Attempt): PlanDependencies {
  const ports = world.ports(invocation);
  return {
    ...ports,
    table: new SimulatedTargetTable(invocation, world.clickhouse),
    replays: withRangesInObjects(new SimulatedReplayStore(invocation, world.table), ports.objects),
  };
}

function byHand({ owner, deadline }: Attempt) {
  return { by: 'somebody', owner, deadline };
}

/** What the next steps of errors say, as commands. */
export function runBook(world: World): RunBook {
  const restoring = () => [restoreStep(world), resumeStep(world)];
  const replaced = beginningAnew(world);
  const givingUp = () => [pauseStep(world), giveUpStep(world), resumeStep(world)];
  return new Map<ErrorCode, () => readonly Step[]>([
    ...UNREADABLE.map((code): [ErrorCode, () => readonly Step[]] => [code, givingUp]),
    ['PH_HALT_STATE_BEHIND', restoring],
    ['PH_STATE_BEHIND', restoring],
    ['PH_STATE_MISSING', restoring],
    [
      'PH_HALT_TABLE_BEHIND',
      () => [pauseStep(world), repairStep(world), resumeStep(world), auditStep(world)],
    ],
    ['PH_HALT_DEAD_LETTER_RATIO', () => [tolerateStep(world), resumeStep(world)]],
    ['PH_HALT_BAD_MESSAGE', () => [tolerateStep(world), resumeStep(world)]],
    ['PH_HALT_MARK_DELETE_AHEAD', () => [resumeStep(world)]],
    ['PH_HALT_TOPIC_REPLACED', replaced],
    ['PH_HALT_REREAD_DIFFERS', replaced],
    ['PH_PULSAR_SUBSCRIPTION_MISSING', replaced],
  ]);
}

/** Where nothing of the new topic can be told from the rows of the old one, another pipeline is set up for it. */
function beginningAnew(world: World): () => readonly Step[] {
  let isLeft = false;
  const begin: Step = { name: 'begin anew', act: (attempt) => beginAnew(world, attempt) };
  const leave: Step = {
    name: 'leave the topic',
    act: async (attempt) => {
      await assertRefused(world, attempt);
      isLeft = true;
    },
  };
  return () => {
    if (isLeft) return [];
    return world.topicIsForeign ? [pauseStep(world), leave] : [pauseStep(world), begin, resumeStep(world)];
  };
}

/** `offsets set --to earliest`; refused for what is in flight, once more with `--drop-in-flight`. */
async function beginAnew(world: World, attempt: Attempt): Promise<void> {
  const given = dependencies(world, attempt);
  const { deadline } = attempt;
  const ledgers = await readLedgers(given, undefined, deadline);
  const states = ledgers.map(({ state }) => state);
  const positions = await earliestPositions(given, { states, named: false }, deadline);
  // A cycle long dead tells once more of what somebody has seen to.
  if ([...positions.values()].every((position) => isSamePosition(position, BEFORE_ALL))) return;
  const request: ResetRequest = { reason: 'offsets', positions };
  try {
    await planReset(given, request, deadline);
    await reset(given, request, byHand(attempt));
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_RESET_REFUSED') throw error;
    const dropping = { ...request, dropInFlight: true };
    await planReset(given, dropping, deadline);
    await reset(given, dropping, byHand(attempt));
  }
}

async function assertRefused(world: World, attempt: Attempt): Promise<void> {
  try {
    await beginAnew(world, attempt);
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_RESET_REFUSED') return;
    throw error;
  }
  world.fail({
    invariant: 'at rest',
    message: 'a reset onto positions below those of the rows was not refused',
  });
}

function pauseStep(world: World): Step {
  return { name: 'pause', act: (attempt) => pause(dependencies(world, attempt), byHand(attempt)) };
}

/** `offsets set --to` the entry that cannot be read, for each partition that is halted at one. */
function giveUpStep(world: World): Step {
  let positions: ReadonlyMap<number, Position> | undefined;
  return {
    name: 'give an entry up',
    act: async (attempt) => {
      positions ??= unreadablePositions(world);
      if (positions.size === 0) return;
      await reset(dependencies(world, attempt), { reason: 'offsets', positions }, byHand(attempt));
    },
  };
}

function unreadablePositions(world: World): ReadonlyMap<number, Position> {
  const codes: readonly string[] = UNREADABLE;
  const states = world.table.partitions(world.scenario.pipeline.name);
  return new Map(
    states.flatMap(({ partition, halted }): [number, Position][] =>
      halted?.position && codes.includes(halted.code) ? [[partition, halted.position]] : [],
    ),
  );
}

function repairStep(world: World): Step {
  return { name: 'repair', act: (attempt) => repair(world, attempt) };
}

/** Whoever woke late has committed by then what it saw stored before the rows were lost. */
function auditStep(world: World): Step {
  return {
    name: 'audit',
    act: async (attempt) => {
      await attempt.invocation.environment.sleep(LONGEST_SLEEP);
      await repair(world, attempt);
    },
  };
}

function tolerateStep(world: World): Step {
  return {
    name: 'tolerate',
    act: async () => {
      world.pipeline = { ...world.pipeline, deadLetters: { enabled: true, maxRatio: 1, minimum: 1 } };
    },
  };
}

function resumeStep(world: World): Step {
  return {
    name: 'resume',
    act: (attempt) => resumePipeline(dependencies(world, attempt), byHand(attempt)),
  };
}

/** Moves some partitions back to where they once were, while everything goes on failing as before. */
export function resetByHand(world: World): void {
  let positions: ReadonlyMap<number, Position> | undefined;
  const steps: readonly Step[] = [
    pauseStep(world),
    {
      name: 'reset',
      // A range of a partition that the cycle has not yet taken in is refused like one that Pulsar has forgotten.
      refusedBy: ['PH_RESET_REFUSED', 'PH_RANGE_INVALID'],
      act: async (attempt) => {
        positions ??= drawPositions(world);
        if (positions.size === 0) return;
        await reset(dependencies(world, attempt), { reason: 'offsets', positions }, byHand(attempt));
      },
    },
    resumeStep(world),
  ];
  new Operator(world, steps, resumeWhenRefused(world));
}

/**
 * Where the end of some committed entry is, or before the first: a reset that reads some of it again. Mostly above what
 * Pulsar was told to forget, since below it is refused.
 */
function drawPositions(world: World): ReadonlyMap<number, Position> {
  const positions = new Map<number, Position>();
  for (const { partition, committed, origin } of world.table.partitions(world.scenario.pipeline.name)) {
    const { everything, subscription } = world.broker.partitions[partition] ?? { everything: [] };
    const told = world.random.chance(0.8) ? (subscription?.markDelete ?? origin) : origin;
    const lowest = laterOf(told, origin);
    const read = everything.filter(
      ({ position }) => isAfter(position, lowest) && !isAfter(position, committed),
    );
    const to = read[world.random.between(0, read.length)]?.position ?? lowest;
    if (positions.size === 0 || world.random.chance(0.7)) positions.set(partition, to);
  }
  return positions;
}

/** `restore --to N`: table and state go back to a checkpoint together, while everything goes on failing as before. */
export function rollBackByHand(world: World): void {
  let checkpoint: number | undefined;
  const steps: readonly Step[] = [
    pauseStep(world),
    {
      name: 'roll back',
      // A checkpoint that was pruned or acknowledged meanwhile is out of reach.
      refusedBy: ['PH_RESET_REFUSED', 'PH_SNAPSHOT_MISSING'],
      act: async (attempt) => {
        const given = dependencies(world, attempt);
        checkpoint ??= drawCheckpoint(world);
        const { snapshot } = await newestValidSnapshot(
          given.objects,
          given.pipeline.name,
          checkpoint,
          attempt.deadline,
        );
        const positions = new Map(
          snapshot.partitions.map(({ partition, committed }) => [partition, committed]),
        );
        return reset(given, { reason: 'rollback', positions }, byHand(attempt));
      },
    },
    resumeStep(world),
  ];
  new Operator(world, steps, resumeWhenRefused(world));
}

/** Mostly one that is not acknowledged yet: further back is refused. */
function drawCheckpoint({ table, scenario, random, wholeSnapshots }: World): number {
  const { acknowledging = 0 } = table.cycle(scenario.pipeline.name).value ?? {};
  const within = wholeSnapshots.filter((number) => number >= acknowledging || random.chance(0.1));
  return within[random.between(0, within.length - 1)] ?? acknowledging;
}

/** The whole state is gone, as if the table had been deleted; the newest snapshot is all there is. */
export function loseState(world: World): void {
  if (world.wholeSnapshots.length === 0) return;
  world.expect('PH_STATE_MISSING', 'PH_STATE_BEHIND');
  world.loseState();
  world.onTrouble('PH_STATE_MISSING');
}

function restoreStep(world: World): Step {
  return {
    name: 'restore',
    refusedBy: ['PH_RESET_REFUSED'],
    act: (attempt) => restore(dependencies(world, attempt), byHand(attempt)),
  };
}

function resumeWhenRefused(world: World): (refused: boolean) => void {
  return (refused) => {
    if (refused) new Operator(world, [resumeStep(world)]);
  };
}

/** Committed rows are gone from the table; a repair brings them back while the pipeline goes on. */
export function loseRows(world: World): void {
  const { pipeline } = world.scenario;
  // Partitions that a cycle is only just taking in are not yet among "all of them" to a repair.
  const known = world.table.cycle(pipeline.name).value?.partitions ?? 0;
  if (known < world.broker.partitions.length) return;
  const share = world.random.pick([0.1, 0.5, 1]);
  const committed = new Map(
    world.table.partitions(pipeline.name).map((state) => [state.partition, state.committed]),
  );
  const lost = world.clickhouse.rows.filter(
    ({ partition, position }) =>
      !isAfter(position, committed.get(partition) ?? BEFORE_ALL) && world.random.chance(share),
  );
  world.expect('PH_HALT_TABLE_BEHIND');
  world.clickhouse.removeRows(new Set(lost));
  new Operator(world, [repairStep(world)]);
}

/** Beside consumption: what is committed is there, and nothing is told to be missing that is not. */
export function verifyByHand(world: World): void {
  const verify: Step = {
    name: 'verify',
    act: async (attempt) => {
      const given = dependencies(world, attempt);
      const request = wholeRange(world, 'verify');
      const { missing, doubled, foreign } = await planReplay(given, request, given, attempt);
      if (missing + doubled + foreign === 0) return;
      const message = `verify says ${missing} missing, ${doubled} doubled, ${foreign} foreign`;
      world.fail({ invariant: 'a comparison tells the truth', message });
    },
  };
  new Operator(world, [verify]);
}

/** Everything is deleted and written again, with the pipeline paused. */
export function replaceByHand(world: World): void {
  const replace: Step = { name: 'replace', act: (attempt) => replay(world, attempt, 'replace') };
  new Operator(world, [pauseStep(world), replace, resumeStep(world)]);
}

/** Every dead letter is put through the mapping again; none of them becomes a row. */
export function redriveByHand(world: World): void {
  new Operator(world, [{ name: 'redrive', act: (attempt) => replay(world, attempt, 'redrive') }]);
}

function wholeRange<Mode extends ReplayRequest['mode']>(
  world: World,
  mode: Mode,
): ReplayRequest & { mode: Mode } {
  return { mode, from: { kind: 'origin' }, to: { kind: 'committed' }, target: world.pipeline.target };
}

async function repair(world: World, attempt: Attempt): Promise<void> {
  await replay(world, attempt, 'repair');
  const given = dependencies(world, attempt);
  // A broker that was slow to answer looks like one that forgot, and the plan says so: then a person plans again.
  const { missing } = await planReplay(given, wholeRange(world, 'verify'), given, attempt);
  if (missing > 0) throw new PulsehouseError('PH_PULSAR_NO_ANSWER', `${missing} rows are still missing`);
}

/** One that was begun is carried on; otherwise a new one is planned. */
async function replay(world: World, attempt: Attempt, mode: 'repair' | 'replace' | 'redrive'): Promise<void> {
  const given = dependencies(world, attempt);
  const { pipeline, replays, environment } = given;
  const { deadline, owner } = attempt;
  const request = wholeRange(world, mode);
  const begun = (await replays.readReplays(pipeline.name, 100, deadline)).find(
    ({ status }) => status === 'running',
  );
  const plan = () =>
    mode === 'redrive'
      ? planRedrive(given, request, deadline)
      : planReplay(given, request, given, { deadline });
  const record = begun ?? (await startReplay(given, await plan(), 'somebody', deadline));
  for (;;) {
    const { done } = await advanceReplay(given, record, given, { owner, deadline });
    if (done) break;
    await environment.sleep(1_000);
  }
}
