import { runCycle } from '../../lib/checkpoint/cycle.ts';
import { decodeSnapshot, snapshotNumber } from '../../lib/checkpoint/snapshot.ts';
import { type ConsumeResult, consume } from '../../lib/consume/consume.ts';
import type { ErrorCode } from '../../lib/pipeline/error-codes.ts';
import { isPulsehouseError, messageOf } from '../../lib/pipeline/errors.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { BEFORE_ALL, formatPosition, isAfter } from '../../lib/pipeline/position.ts';
import type { Log } from '../../lib/ports/log.ts';
import type { StateStore } from '../../lib/ports/state-store.ts';
import { Broker } from './fakes/broker.ts';
import { ClickHouse, type Condition } from './fakes/clickhouse.ts';
import { unanswered } from './fakes/errors.ts';
import { Bucket, SimulatedObjectStore } from './fakes/object-store.ts';
import { SimulatedSink } from './fakes/sink.ts';
import { ALL_CONDITIONS } from './fakes/state-item.ts';
import { SimulatedStateStore } from './fakes/state-store.ts';
import { StateTable } from './fakes/state-table.ts';
import { SimulatedTransport } from './fakes/transport.ts';
import {
  BY_HAND,
  CALM_INVOCATIONS,
  CALM_SERVER,
  type FaultSet,
  invocationFaults,
  linkFaults,
  serverFaults,
} from './faults.ts';
import { Invocation, type InvocationFaults, type Surroundings } from './invocation.ts';
import { Link, NO_FAULTS } from './link.ts';
import { makeEntry, makeUnreadable, type SimulatedEntry, type Unmet } from './messages.ts';
import type { Mutation } from './mutations/mutation.ts';
import { resendingSink } from './mutations/resending-sink.ts';
import type { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { Scheduler } from './scheduler.ts';
import { ofVersion } from './versions.ts';
import type { Violation } from './violation.ts';

/** Milliseconds a function outlives its own deadline before it is ended from outside. */
const GRACE = 2_000;

/** Servers, invocations and time of one run. */
export class World implements Surroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly scenario: Scenario;
  readonly broker: Broker;
  readonly clickhouse: ClickHouse;
  readonly bucket: Bucket;
  readonly table: StateTable;
  invocationFaults: InvocationFaults;
  /** The first thing that went wrong; nothing goes on after it. */
  violation: Violation | undefined;
  private readonly log: Log;
  private readonly mutation: Mutation | undefined;
  /** People at work, and incidents begun: nothing is at rest before they are over. */
  unrest = 0;
  /** Called when the state table has lost everything. */
  onStateLost: () => void = () => {};
  /** Called to make items of the state table older copies of themselves. */
  onStateBack: (putBack: () => void) => void = (putBack) => putBack();
  /** Called with a code that a halt or a failed cycle tells of. */
  onTrouble: (code: string) => void = () => {};
  /** Called with entries that Pulsar deleted before they were committed. */
  onForgotten: (partition: number, entries: readonly SimulatedEntry[]) => void = () => {};
  /** Some snapshot was lost or altered. */
  snapshotsDamaged = false;
  /** The state was lost, or put back to an older copy. */
  stateWasLost = false;
  /** Committed rows were lost, until a person has brought them back. */
  rowsMayBeMissing = false;
  /** The topic was deleted and made anew. */
  topicIsReplaced = false;
  /** Another cluster's topic is in the place of ours: nothing of it may ever be read into our table. */
  topicIsForeign = false;
  /** Codes of halts and failures that what befell this world may rightly lead to: somebody acts on them. */
  readonly expected = new Set<string>();
  /** As configured now: a person may change it. */
  pipeline: Pipeline;
  /** Counts the deployments that changed the mapping: those that live keep theirs. */
  mapping = 1;
  private readonly living = new Set<Invocation>();
  /** Nobody brings rows back, or puts a state back, that inserts of before are not noted of. */
  readonly onlyConsumed: boolean;
  private readonly writtenByOthers: boolean;
  /** Share of cycles that are stopped somewhere and go on when their lease is long another's. */
  private lateCycles: number;
  /** Draws the version of each invocation, where two run side by side. */
  private readonly versions: Random | undefined;
  /** Draws which messages meet the condition, where the pipeline has one, and which answers say how many did. */
  private readonly conditions: Random | undefined;
  private readonly unmet: Unmet | undefined;
  /** Deployments change which messages become rows. */
  readonly conditionChanges: boolean;
  /** Milliseconds of virtual time: nothing of ours runs before. */
  outUntil = 0;
  private ids = 0;
  private invocations = 0;

  constructor(parts: {
    readonly scheduler: Scheduler;
    readonly random: Random;
    readonly scenario: Scenario;
    readonly faults: FaultSet;
    readonly log: Log;
    readonly mutation: Mutation | undefined;
    readonly versions?: Random | undefined;
    readonly conditions?: Random | undefined;
  }) {
    const { scheduler, random, scenario, faults } = parts;
    this.scheduler = scheduler;
    this.random = random;
    this.scenario = scenario;
    this.pipeline = scenario.pipeline;
    this.log = parts.log;
    this.mutation = parts.mutation;
    this.onlyConsumed = !BY_HAND.some(
      (fault) => faults.has(fault) && fault !== 'audit' && fault !== 'verify',
    );
    this.writtenByOthers = faults.has('small-window');
    this.lateCycles = faults.has('late-cycles') ? 0.4 : 0;
    this.versions = parts.versions;
    this.conditions = parts.conditions;
    this.conditionChanges = parts.conditions !== undefined && mayChangeCondition(faults);
    this.unmet = parts.conditions && {
      random: parts.conditions,
      by: this.conditionChanges ? ['both', 'both', 'first', 'second'] : ['both'],
    };
    this.invocationFaults = invocationFaults(faults, random);
    const state = linkFaults(faults, random, {
      lost: 'state-lost',
      slow: 'state-slow',
      twice: 'state-twice',
      turnedAway: 'state-turned-away',
    });
    const objects = linkFaults(faults, random, {
      lost: 'objects-lost',
      slow: 'objects-slow',
      twice: 'state-twice',
    });
    const broker = linkFaults(faults, random, { lost: 'broker-lost', slow: 'broker-slow' });
    const table = linkFaults(faults, random, { lost: 'table-lost', slow: 'table-slow' });
    this.table = new StateTable(new Link(scheduler, random, state, unanswered('PH_STATE_UNREACHABLE')));
    this.table.conditions = parts.mutation?.conditions ?? ALL_CONDITIONS;
    this.bucket = new Bucket(new Link(scheduler, random, objects, unanswered('PH_OBJECTS_UNREACHABLE')));
    const noAnswer = unanswered('PH_PULSAR_TIMEOUT');
    const toNowhere = new Link(scheduler, random, { ...NO_FAULTS, lost: 1 }, noAnswer);
    this.broker = new Broker(new Link(scheduler, random, broker, noAnswer), random, toNowhere);
    this.clickhouse = new ClickHouse(
      scheduler,
      random,
      new Link(scheduler, random, table, (message) => new Error(message)),
      scenario.table,
      serverFaults(faults, random),
    );
  }

  readonly seenDead = new Set<string>();

  nextId(): string {
    this.ids += 1;
    return `id${this.ids}`;
  }

  expect(...codes: readonly ErrorCode[]): void {
    for (const code of codes) this.expected.add(code);
  }

  fail(violation: Violation): void {
    if (this.violation !== undefined) return;
    this.violation = violation;
    this.scheduler.note(`VIOLATION of ${violation.invariant}: ${violation.message}`);
  }

  publish(partition: number): void {
    this.broker.partitions[partition]?.append((position) =>
      makeEntry(position, this.scheduler.now, this.random, this.scenario.messages, this.unmet),
    );
  }

  /** An entry that no reader can read. */
  publishUnreadable(partition: number): void {
    this.broker.partitions[partition]?.append((position) =>
      makeUnreadable(position, this.scheduler.now, this.random),
    );
  }

  startConsumer(partition: number): void {
    if (this.scheduler.now < this.outUntil) return;
    const begun = this.scheduler.now;
    const invocation = this.newInvocation(`consumer ${partition}`);
    const outcome = this.consume(invocation, partition).then((result) => {
      this.checkDrained(partition, begun, result);
      return result;
    });
    void this.finish(invocation, outcome);
  }

  /** Whoever drains a partition has read what was there when it began. */
  private checkDrained(number: number, begun: number, { outcome, committed }: ConsumeResult): void {
    if (outcome !== 'drained' || this.topicIsReplaced) return;
    const left = this.broker.partitions[number]?.entries.find(
      ({ position, publishTime }) => publishTime < begun && isAfter(position, committed ?? BEFORE_ALL),
    );
    if (left === undefined) return;
    const message = `partition ${number} is called drained, and ${formatPosition(left.position)} was never read`;
    this.fail({ invariant: 'drained only when it is', message });
  }

  startCycle(): void {
    if (this.scheduler.now < this.outUntil) return;
    const invocation = this.newInvocation('cycle');
    if (this.random.chance(this.lateCycles)) {
      this.scheduler.after(this.random.between(20, 800), `${invocation.name} is stopped`, () =>
        invocation.freeze(this.random.between(15_000, 60_000)),
      );
    }
    const outcome = runCycle(
      {
        ...this.ports(invocation),
        invoker: {
          invoke: (_pipeline, partition, deadline) =>
            invocation.call(this.table.link, `invokes consumer ${partition}`, deadline, () => {
              this.scheduler.after(this.random.between(1, 400), `consumer ${partition} starts`, () =>
                this.startConsumer(partition),
              );
            }),
        },
      },
      { owner: invocation.name, deadline: invocation.now() + this.scenario.invocationLasts },
    );
    void this.finish(invocation, outcome);
  }

  /**
   * Nothing of ours runs for a while: whoever lives dies, or freezes and wakes later. Others go on writing to the table,
   * after any insert of ours has ended.
   */
  outage(milliseconds: number, survived = 0.5): void {
    this.outUntil = Math.max(this.outUntil, this.scheduler.now + milliseconds);
    for (const invocation of this.living) {
      if (this.random.chance(survived)) invocation.freeze(milliseconds + this.random.between(0, 5_000));
      else invocation.crash();
    }
    if (!this.writtenByOthers) return;
    this.scheduler.after(milliseconds, 'others wrote', () =>
      this.clickhouse.foreignBlocks(this.random.between(10, 500)),
    );
  }

  /** Numbers of the snapshots that are whole, ascending. */
  get wholeSnapshots(): readonly number[] {
    const numbers = [...this.bucket.objects].flatMap(([key, body]) => {
      const number = snapshotNumber(key);
      return number !== undefined && isWhole(key, body) ? [number] : [];
    });
    return numbers.sort((a, b) => a - b);
  }

  loseState(): void {
    this.stateWasLost = true;
    this.onStateLost();
    this.table.lose();
  }

  /** Faults stop. Who is frozen wakes when it wakes; what travels arrives when it arrives. */
  heal(): void {
    this.invocationFaults = CALM_INVOCATIONS;
    this.lateCycles = 0;
    for (const partition of this.broker.partitions) this.broker.bringBack(partition);
    this.clickhouse.faults = CALM_SERVER;
    this.broker.speak();
    for (const { link } of [this.table, this.bucket, this.broker, this.clickhouse]) {
      link.faults = NO_FAULTS;
      link.up = true;
    }
  }

  private consume(invocation: Invocation, partition: number): Promise<ConsumeResult> {
    return consume(this.ports(invocation), {
      partition,
      owner: invocation.name,
      deadline: invocation.now() + this.scenario.invocationLasts,
      until: this.pipeline.consume.mode === 'follow' ? 'deadline' : 'drained',
    });
  }

  ports(invocation: Invocation) {
    const nullValues = this.random.pick(this.scenario.messages.nullValues);
    const mapping = `mapping-${this.mapping}`;
    const name: Condition = this.mapping % 2 === 1 ? 'first' : 'second';
    const condition = this.conditions && { name, random: this.conditions };
    const sink = new SimulatedSink(invocation, this.clickhouse, nullValues, mapping, condition);
    return {
      pipeline: this.pipeline,
      transport: new SimulatedTransport(invocation, this.broker, this.random),
      sink: this.mutation?.resends ? resendingSink(sink) : sink,
      state: this.stateFor(invocation),
      objects: new SimulatedObjectStore(invocation, this.bucket),
      environment: invocation.environment,
      log: this.log.with({ by: invocation.name }),
    };
  }

  private stateFor(invocation: Invocation): StateStore {
    const store = new SimulatedStateStore(invocation, this.table);
    return this.versions ? ofVersion(store, this.versions.chance(0.5) ? 'this' : 'next') : store;
  }

  /** A person's command is no function: only the person ends it. */
  newInvocation(what: string, isFunction = true): Invocation {
    this.invocations += 1;
    const skew = this.random.between(-this.scenario.clientSkew, this.scenario.clientSkew);
    const invocation = new Invocation(`${what} #${this.invocations}`, this, skew);
    this.living.add(invocation);
    // Lambda ends a function that outstays its time; a process frozen with SIGSTOP is ended by nobody.
    if (isFunction && this.random.chance(0.5)) {
      this.scheduler.after(this.scenario.invocationLasts + GRACE, `${invocation.name} is out of time`, () =>
        invocation.crash(),
      );
    }
    return invocation;
  }

  /** However an invocation ends in trouble is its own business; that it is no programming error is ours. */
  private async finish(
    invocation: Invocation,
    outcome: Promise<{ readonly outcome: string }>,
  ): Promise<void> {
    try {
      const result = await outcome;
      this.scheduler.note(`${invocation.name} ends: ${result.outcome}`);
    } catch (error) {
      this.scheduler.note(`${invocation.name} fails: ${messageOf(error)}`);
      if (isPulsehouseError(error)) this.onTrouble(error.code);
      else this.fail({ invariant: 'no programming error', message: messageOf(error), cause: error });
    }
    invocation.end();
    this.living.delete(invocation);
  }
}

/** What was stored by one condition and is lost does not come back by another. */
function mayChangeCondition(faults: FaultSet): boolean {
  const isLost = (['rows-gone', 'table-truncated', 'table-back'] as const).some((fault) => faults.has(fault));
  return faults.has('mapping-changed') && !isLost;
}

function isWhole(key: string, body: Uint8Array): boolean {
  try {
    decodeSnapshot(key, body);
    return true;
  } catch {
    return false;
  }
}
