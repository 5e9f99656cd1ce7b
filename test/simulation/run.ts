import { newCycleState } from '../../lib/pipeline/cycle-transitions.ts';
import type { Log } from '../../lib/ports/log.ts';
import { auditAtRest, auditBeside } from './audits.ts';
import { Checker } from './checker/checker.ts';
import { Liveness } from './checker/liveness.ts';
import { drawFaults, type Fault, type FaultSet } from './faults.ts';
import {
  damageSnapshot,
  LONGEST_INSERT,
  moveCursor,
  OTHER_CLUSTER,
  putStateBack,
  putTableBack,
  replaceTopic,
  truncateTable,
} from './incidents.ts';
import { UNREADABLE } from './messages.ts';
import type { Mutation } from './mutations/mutation.ts';
import { OnCall } from './on-call.ts';
import {
  loseRows,
  loseState,
  redriveByHand,
  replaceByHand,
  resetByHand,
  rollBackByHand,
  runBook,
  verifyByHand,
} from './operations.ts';
import { Random } from './random.ts';
import { drawScenario } from './scenario.ts';
import { BEGINNING, Scheduler } from './scheduler.ts';
import type { Violation } from './violation.ts';
import { World } from './world.ts';

export interface RunOptions {
  readonly seed: number;
  /** Faults the seed drew and that are left out all the same. */
  readonly without?: readonly Fault[];
  readonly trace?: (line: string) => void;
  readonly mutation?: Mutation;
  /** Drawn whatever the seed says. */
  readonly given?: readonly Fault[];
  /** These and no others, whatever the seed says. */
  readonly only?: readonly Fault[];
}

export interface RunReport {
  readonly seed: number;
  readonly faults: readonly Fault[];
  readonly violation: Violation | undefined;
  readonly steps: number;
  /** Of the whole trace: equal for equal seeds. */
  readonly hash: number;
  readonly messages: number;
}

/** Of the runs: so many have invocations of two versions, and so many a condition. */
const VERSIONS_SHARE = 0.2;
const WHERE_SHARE = 0.25;
const HEALING_ROUNDS = 20;
/** Longer than any lease, freeze or body's time to live: whatever a dead invocation left has run out. */
const ROUND = 30_000;
/** Taken late and by a clock that is ahead, and looked at by one that is behind. */
const LONGEST_LEASE = 60_000;

/** One whole life of a pipeline: trouble, healing, rest. Follows from the seed alone. */
export async function run(options: RunOptions): Promise<RunReport> {
  const { seed, trace } = options;
  const draw = new Random(seed);
  const faults = drawFaults(draw, options.given);
  // A chance of its own: it changes what is written, and nothing that happens.
  const versions = new Random(seed + 2_000_003);
  if (versions.chance(VERSIONS_SHARE)) faults.add('two-versions');
  const conditions = new Random(seed + 3_000_017);
  if (conditions.chance(WHERE_SHARE)) faults.add('where');
  for (const fault of options.without ?? []) faults.delete(fault);
  if (options.only !== undefined) {
    faults.clear();
    for (const fault of options.only) faults.add(fault);
  }
  const scenario = drawScenario(faults, draw);
  const random = new Random(seed + 1_000_003);
  const scheduler = new Scheduler(random, trace);
  const world = new World({
    scheduler,
    random,
    scenario,
    faults,
    log: traceLog(trace, {}),
    mutation: options.mutation,
    versions: faults.has('two-versions') ? versions : undefined,
    conditions: faults.has('where') ? conditions : undefined,
  });
  const checker = new Checker(world);
  const onCall = new OnCall(world, runBook(world));
  world.onTrouble = (code) => onCall.told(code);
  trace?.(`faults: ${[...faults].join(', ')}`);
  trace?.(`scenario: ${JSON.stringify(scenario)}`);

  initialise(world);
  plan(world, faults);
  new Liveness(world, faults, BEGINNING + scenario.troubled);
  const failed = (): boolean => world.violation !== undefined;
  await scheduler.run(BEGINNING + scenario.troubled, failed);
  scheduler.note('faults stop');
  world.heal();
  for (let round = 0; round < HEALING_ROUNDS && !failed() && !checker.isAtRest; round += 1) {
    world.startCycle();
    await scheduler.run(scheduler.now + ROUND, failed);
  }
  if (!failed()) checker.atRest('healed');
  // Whatever is still on its way arrives now, and must change nothing.
  await scheduler.run(Number.POSITIVE_INFINITY, failed);
  await scheduler.run(scheduler.now + LONGEST_LEASE, failed);
  if (!failed()) checker.atRest('late');
  if (!failed() && !world.topicIsForeign) await auditAtRest(world);
  return {
    seed,
    faults: [...faults],
    violation: world.violation,
    steps: scheduler.steps,
    hash: scheduler.hash,
    messages: world.broker.partitions.reduce(
      (sum, { everything }) => sum + everything.reduce((count, entry) => count + entry.messages, 0),
      0,
    ),
  };
}

/** As `init` leaves it: no partition known yet, the first cycle discovers them. */
function initialise(world: World): void {
  const { scenario, random } = world;
  for (let partition = 0; partition < scenario.partitions; partition += 1) {
    world.broker.addPartition(
      random.between(1, 900) + (scenario.replacement === undefined ? 0 : OTHER_CLUSTER),
    );
  }
  if (scenario.replacement?.identity === false) world.broker.topicIdentity = undefined;
  world.table
    .cycle(scenario.pipeline.name)
    .create(
      newCycleState({ pipeline: scenario.pipeline.name, generation: 'g1', partitions: 0, writeId: 'w0' }),
    );
}

/** Everything that happens from outside, at times drawn beforehand. */
function plan(world: World, faults: FaultSet): void {
  const { scheduler, random, scenario, broker, clickhouse } = world;
  const { troubled } = scenario;
  const at = (label: string, happen: () => void): void => {
    scheduler.after(random.between(0, troubled), label, happen);
  };
  const times = (fault: Fault, most: number, happen: () => void): void => {
    if (!faults.has(fault)) return;
    const count = random.between(1, most);
    for (let time = 0; time < count; time += 1) at(fault, happen);
  };
  const anyPartition = () => broker.partitions[random.between(0, broker.partitions.length - 1)];

  for (let partition = 0; partition < scenario.partitions; partition += 1) {
    for (let entry = 0; entry < scenario.entriesPerPartition; entry += 1) {
      at(`partition ${partition} gets an entry`, () => world.publish(partition));
    }
  }
  const { interval } = scenario.pipeline.checkpoint;
  for (let tick = 0; tick < troubled; tick += interval) {
    scheduler.after(tick + random.between(0, 50), 'tick', () => world.startCycle());
  }
  times('double-invocations', 6, () => world.startConsumer(random.between(0, scenario.partitions - 1)));
  times('double-invocations', 2, () => world.startCycle());
  times('unload', 4, () => broker.unload());
  times('partition-away', 1, () => {
    const partition = anyPartition();
    if (partition === undefined) return;
    broker.takeAway(partition);
    scheduler.after(random.between(0, troubled), `${partition.name} is back`, () =>
      broker.bringBack(partition),
    );
  });
  times('broker-crash', 3, () => broker.crash());
  times('trim', 5, () => {
    const partition = anyPartition();
    if (partition?.subscription !== undefined) partition.trim();
  });
  // Where everything is trimmed and a marker is named as the last, a comparison has no answer before the next message.
  const isOldBroker = random.chance(0.3) && !faults.has('trim');
  times('markers', 4, () => anyPartition()?.appendMarker(isOldBroker));
  times('markers', 3, () => anyPartition()?.rollLedger(random.between(1, 5)));
  times('new-partition', 2, () => {
    broker.addPartition(random.between(1, 900));
    const partition = broker.partitions.length - 1;
    for (let entry = 0; entry < 3; entry += 1) world.publish(partition);
  });
  times('mapping-changed', 3, () => {
    world.mapping += 1;
  });
  times('table-restart', 8, () => clickhouse.restart(random.between(10, 10_000)));
  times('outage', 2, () => world.outage(random.between(LONGEST_INSERT, 2 * LONGEST_INSERT)));
  times('reset', 1, () => resetByHand(world));
  times('rollback', 1, () => rollBackByHand(world));
  times('state-gone', 1, () => loseState(world));
  times('state-back', 1, () => putStateBack(world));
  times('snapshot-gone', 2, () => damageSnapshot(world, 'gone'));
  times('snapshot-corrupt', 2, () => damageSnapshot(world, 'corrupt'));
  times('rows-gone', 1, () => loseRows(world));
  times('table-truncated', 1, () => truncateTable(world));
  times('table-back', 1, () => putTableBack(world));
  times('cursor-moved', 3, () => moveCursor(world));
  times('topic-replaced', 1, () => replaceTopic(world));
  times('broker-silent', 3, () => {
    broker.isSilent = true;
    scheduler.after(random.between(1_000, 90_000), 'the broker speaks again', () => broker.speak());
  });
  if (faults.has('unreadable')) world.expect(...UNREADABLE);
  times('unreadable', 3, () => world.publishUnreadable(random.between(0, scenario.partitions - 1)));
  times('audit', 3, () => auditBeside(world));
  times('verify', 2, () => verifyByHand(world));
  times('replace', 1, () => replaceByHand(world));
  times('redrive', 1, () => redriveByHand(world));
  if (faults.has('dead-letters-halt')) world.expect('PH_HALT_DEAD_LETTER_RATIO', 'PH_HALT_BAD_MESSAGE');
  // The promise: in the time one insert may travel and run, a table gets less than half a window of blocks.
  times('small-window', 3, () => clickhouse.foreignBlocks(random.between(1, 20)));
}

/** The log of the code under test goes into the trace and not into its hash, which must not depend on who reads it. */
function traceLog(
  trace: ((line: string) => void) | undefined,
  about: Readonly<Record<string, unknown>>,
): Log {
  const line = (level: string) => (message: string) =>
    trace?.(`           ${level} ${String(about['by'] ?? '')}: ${message}`);
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: (fields) => traceLog(trace, { ...about, ...fields }),
  };
}
