import { decodeSnapshot, type Snapshot, snapshotNumber } from '../../../lib/checkpoint/snapshot.ts';
import { parseDeadLetters } from '../../../lib/consume/dead-letters.ts';
import type { CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type { Intent } from '../../../lib/pipeline/intent.ts';
import type { Fenced, Halt, PartitionState } from '../../../lib/pipeline/partition-state.ts';
import {
  BEFORE_ALL,
  formatPosition,
  isAfter,
  laterOf,
  type Position,
  parsePosition,
} from '../../../lib/pipeline/position.ts';
import { replayScope } from '../../../lib/pipeline/replay.ts';
import type { Operation } from '../../../lib/replay/journal.ts';
import type { Partition } from '../fakes/broker.ts';
import type { StoredRow } from '../fakes/clickhouse.ts';
import type { Invariant } from '../violation.ts';
import type { World } from '../world.ts';
import { Ledger } from './ledger.ts';
import { committedIntents, fencingFault, progressFault } from './progress.ts';

/**
 * Watches the true state of every server, which no invocation ever sees as a whole, and checks the invariants of the design
 * at every change of it.
 */
export class Checker {
  private readonly world: World;
  private readonly ledgers: Ledger[] = [];
  /** Every snapshot there ever was, by number. */
  private readonly snapshots = new Map<number, Snapshot>();
  /** What Pulsar was ever told, by partition. */
  private readonly told = new Map<number, Position>();
  /** Batches that stood as intents when the state was lost: nobody knows of them, and they may still be stored. */
  private readonly orphans = new Map<number, readonly Intent[]>();
  /** Epochs given out before the state was lost. */
  private readonly lostEpochs = new Map<number, number>();
  /** Every partition and code of a halt there was. */
  private readonly haltCodes = new Set<string>();
  private tellingCutOff = false;
  private restoring = false;
  /** Records of restores begun and not ended. */
  private readonly restores = new Set<string>();

  constructor(world: World) {
    this.world = world;
    world.table.onPartitionWritten = (before, after) => this.partitionWritten(before, after);
    world.table.onCycleWritten = (before, after) => this.cycleWritten(before, after);
    world.clickhouse.onStored = (rows) => this.rowsStored(rows);
    world.bucket.onCreated = (key, body) => this.objectCreated(key, body);
    world.bucket.onDeleted = (key) => this.objectDeleted(key);
    world.clickhouse.onRemoved = (removed) => {
      for (const { partition, position, index } of removed) this.ledger(partition).removeRow(position, index);
    };
    world.onForgotten = (partition, entries) => this.ledger(partition).forget(entries);
    world.onStateLost = () => this.stateLost();
    world.onStateBack = (putBack) => this.stateBack(putBack);
    world.broker.onAcknowledged = (partition, position) => this.acknowledged(partition, position);
  }

  get isAtRest(): boolean {
    return this.unrest(true) === undefined;
  }

  /**
   * When faults have stopped and everything had time to heal: nothing is left to do, and nothing is missing. Consumers that
   * follow their topics end only when no cycle starts others.
   */
  atRest(heldByFollowers: boolean): void {
    const unrest = this.unrest(heldByFollowers);
    if (unrest !== undefined) this.fail('at rest', unrest);
  }

  private unrest(heldByFollowers: boolean): string | undefined {
    const { broker, table, scenario } = this.world;
    const cycle = table.cycle(scenario.pipeline.name).value;
    if (cycle === undefined) return 'there is no cycle';
    if (this.world.unrest > 0 || cycle.paused) return 'somebody is still at work, or left it paused';
    for (const [number, partition] of broker.partitions.entries()) {
      const last = partition.everything.at(-1)?.position ?? BEFORE_ALL;
      const fault =
        this.lossUnnoticed(number) ??
        this.partitionUnrest(number, partition.name, heldByFollowers) ??
        this.ledger(number).fault(BEFORE_ALL, last) ??
        this.snapshotUnrest(cycle, number, last);
      if (fault !== undefined) return fault;
    }
    return this.cycleUnrest(cycle);
  }

  private partitionUnrest(partition: number, name: string, heldByFollowers: boolean): string | undefined {
    const state = this.state(partition);
    if (state === undefined) return `${name} was never discovered`;
    if (state.halted !== undefined) return `${name} is halted: ${state.halted.code}`;
    const mayBeHeld = heldByFollowers && this.world.pipeline.consume.mode === 'follow';
    if ((mayBeHeld || !this.isHeld(state)) && state.inFlight.length === 0) return undefined;
    return `${name} is held by ${state.owner}, with ${state.inFlight.length} batches in flight`;
  }

  private lossUnnoticed(partition: number): string | undefined {
    // A telling that was cut off may itself have moved the cursor: then any position up to it is taken for our own.
    if (this.tellingCutOff || !this.ledger(partition).hasLost) return undefined;
    if (this.haltCodes.has(`${partition} PH_HALT_MARK_DELETE_AHEAD`)) return undefined;
    return `Pulsar forgot messages of partition ${partition} unread, and nobody was told`;
  }

  private isHeld({ owner, leaseUntil }: Fenced): boolean {
    return owner !== undefined && leaseUntil + this.world.scenario.clientSkew > this.world.scheduler.now;
  }

  private snapshotUnrest(cycle: CycleState, partition: number, last: Position): string | undefined {
    const latest = this.snapshots.get(cycle.latest)?.partitions;
    const committed = latest?.find((entry) => entry.partition === partition)?.committed ?? BEFORE_ALL;
    // A restore may leave it a little above: at what the broker says to be the end of the ledger.
    if (!isAfter(last, committed)) return undefined;
    return `partition ${partition} ends at ${formatPosition(last)}; snapshot ${cycle.latest} has ${formatPosition(committed)}`;
  }

  private cycleUnrest(cycle: CycleState): string | undefined {
    const { checkpoints } = this.world.scenario.pipeline.checkpoint.acknowledgeBehind;
    if (this.isHeld(cycle)) return `the cycle is held by ${cycle.owner}`;
    const { latest, acknowledging, acknowledged } = cycle;
    const whole = this.world.wholeSnapshots;
    if (!whole.includes(latest)) return `checkpoint ${latest} is the latest and has no whole snapshot`;
    const due = checkpoints === 0 ? latest : acknowledging;
    // What trails by a lost snapshot cannot be told; the next one says it.
    const told = acknowledged === due || (checkpoints > 0 && !whole.includes(due));
    if (told && acknowledging === due) return undefined;
    return `checkpoint ${latest} is the latest, ${acknowledging} is being acknowledged, ${acknowledged} is`;
  }

  private fail(invariant: Invariant, message: string): void {
    this.world.fail({ invariant, message });
  }

  private ledger(partition: number): Ledger {
    const known = this.ledgers[partition];
    if (known !== undefined) return known;
    const subject = this.world.broker.partitions[partition];
    if (subject === undefined) throw new Error(`there is no partition ${partition}`);
    const ledger = new Ledger(subject);
    this.ledgers[partition] = ledger;
    return ledger;
  }

  private state(partition: number): PartitionState | undefined {
    return this.world.table.partition(this.world.scenario.pipeline.name, partition).value;
  }

  /** Invariants 2 and 3, seen from the table. */
  private rowsStored(rows: readonly StoredRow[]): void {
    for (const { partition, position, index } of rows) {
      const where = `${formatPosition(position)}:${index} of partition ${partition}`;
      const count = this.ledger(partition).addRow(position, index);
      if (count > 1) this.fail('2 exactly once up to committed', `${where} is stored ${count} times`);
      const intended = this.standingIntents(partition).some(
        (intent) => isAfter(position, intent.after) && !isAfter(position, intent.to),
      );
      // A late copy of what was stored and lost is where it belongs.
      const lost = this.world.rowsMayBeMissing && this.isCommitted(partition, position);
      if (!intended && !lost)
        this.fail('3 only intended rows above committed', `${where} is stored and stands in no intent`);
    }
  }

  private isCommitted(partition: number, position: Position): boolean {
    return !isAfter(position, this.state(partition)?.committed ?? BEFORE_ALL);
  }

  private standingIntents(partition: number): readonly Intent[] {
    const { table, scenario } = this.world;
    const replayed = table.partition(replayScope(scenario.pipeline.name), partition).value;
    const states = [this.state(partition), replayed];
    return [...states.flatMap((state) => state?.inFlight ?? []), ...(this.orphans.get(partition) ?? [])];
  }

  private stateLost(): void {
    const { table, scenario } = this.world;
    for (const { partition, inFlight, epoch } of table.partitions(scenario.pipeline.name)) {
      this.orphans.set(partition, inFlight);
      this.lostEpochs.set(partition, epoch);
    }
    this.restoring = true;
  }

  /** Nobody works meanwhile. What was decided above an older position is decided again. */
  private stateBack(putBack: () => void): void {
    const { table, scenario } = this.world;
    for (const { partition, epoch } of table.partitions(scenario.pipeline.name)) {
      this.lostEpochs.set(partition, epoch);
    }
    putBack();
    for (const { partition, committed } of table.partitions(scenario.pipeline.name)) {
      this.ledger(partition).mayDecideAgainAbove(committed);
    }
  }

  /** A restore cut off before its record was seen leaves another one to finish: it is over when the last of them is. */
  private operationWritten(key: string, body: Uint8Array): void {
    const id = key.slice(0, key.lastIndexOf('.'));
    if (key.endsWith('.done')) {
      if (this.restores.delete(id) && this.restores.size === 0) this.restored();
    } else if ((JSON.parse(Buffer.from(body).toString('utf8')) as Operation).kind === 'restore') {
      this.restores.add(id);
      this.restoring = true;
    }
  }

  /** Whoever held a lease before the loss must never be taken for a holder again. */
  private restored(): void {
    this.restoring = false;
    this.orphans.clear();
    for (const [partition, lost] of this.lostEpochs) {
      const epoch = this.state(partition)?.epoch ?? 0;
      if (lost === 0 || epoch > lost) continue;
      this.fail(
        '4 fenced by epoch and version',
        `epoch ${lost} of partition ${partition} was given out; it is at ${epoch}`,
      );
    }
  }

  private partitionWritten(before: PartitionState | undefined, after: PartitionState): void {
    if (after.halted !== undefined && before?.halted === undefined) this.halted(after, after.halted);
    const fencing = before && fencingFault(before, after);
    if (fencing !== undefined) this.world.fail(fencing);
    const isReplay = after.pipeline !== this.world.scenario.pipeline.name;
    if (before === undefined || before.generation !== after.generation) {
      if (!isReplay) this.generationBegun(before, after);
      return;
    }
    for (const intent of committedIntents(before, after) ?? []) this.batchCommitted(after, intent, isReplay);
    if (isReplay) return;
    const ledger = this.ledger(after.partition);
    const known = this.lostEpochs.size === 0;
    // The end of a restore may be recorded, late, while the same restore is gone through once more.
    const restoring = this.restoring || before.owner?.startsWith('operator restore');
    const fault = progressFault(before, after, ledger, { conserved: known, contiguous: !restoring });
    if (fault !== undefined) this.world.fail(fault);
    const inexact = ledger.fault(before.committed, after.committed, this.world.rowsMayBeMissing);
    if (inexact !== undefined) this.fail('2 exactly once up to committed', inexact);
  }

  private halted({ partition }: PartitionState, { code, reason }: Halt): void {
    this.haltCodes.add(`${partition} ${code}`);
    if (!this.world.expected.has(code))
      this.fail('no halt without cause', `partition ${partition}: ${code}, ${reason}`);
    this.world.onTrouble(code);
  }

  /** By init, a reset or a restore. */
  private generationBegun(before: PartitionState | undefined, after: PartitionState): void {
    if (before !== undefined && before.inFlight.length > 0) this.batchesLeft(before);
    const ledger = this.ledger(after.partition);
    // After a loss of state another restore may yet go by what was decided before.
    if (this.lostEpochs.has(after.partition)) ledger.mayDecideAgainAbove(after.committed);
    else ledger.forgetDeadLettersAbove(after.committed);
  }

  /** A restore leaves them, and outlives them before it looks at the table. */
  private batchesLeft({ partition, generation, inFlight }: PartitionState): void {
    if (this.restoring) {
      this.orphans.set(partition, [...(this.orphans.get(partition) ?? []), ...inFlight]);
      return;
    }
    const message = `generation ${generation} ended with batches in flight`;
    this.fail('5 a batch is never cut again', message);
  }

  private batchCommitted(state: PartitionState, intent: Intent, isReplay: boolean): void {
    const { partition, generation } = state;
    const { deadLetters, messages, after, to } = intent;
    const mode = this.world.table.replays(this.world.scenario.pipeline.name).get(generation)?.mode;
    if (mode === 'replace' || mode === 'redrive') this.ledger(partition).supersedeDeadLetters(after, to);
    if (deadLetters === undefined) return;
    const { enabled, minimum, maxRatio } = this.world.pipeline.deadLetters;
    const tolerated = enabled ? Math.max(minimum, Math.floor(messages * maxRatio)) : 0;
    if (deadLetters.count > tolerated) {
      const message = `${deadLetters.count} of ${messages} messages were dead-lettered; ${tolerated} are tolerated`;
      this.fail('6 contiguous', message);
    }
    this.deadLettersCommitted(partition, deadLetters.key, isReplay);
  }

  private deadLettersCommitted(partition: number, key: string, byReplay: boolean): void {
    const body = this.world.bucket.objects.get(key);
    if (body === undefined) {
      this.fail('6 contiguous', `${key} is committed and not durable`);
      return;
    }
    for (const { position, index } of parseDeadLetters(body)) {
      this.ledger(partition).addDeadLetter(parsePosition(position), index, byReplay);
    }
  }

  private cycleWritten(before: CycleState | undefined, after: CycleState): void {
    if (after.latest > (before?.latest ?? 0) && !this.snapshots.has(after.latest)) {
      const message = `checkpoint ${after.latest} is complete without a snapshot`;
      this.outOfOrder(message);
    }
    if (before === undefined) return;
    if (after.epoch > before.epoch && before.acknowledging > before.acknowledged) this.tellingCutOff = true;
    const fencing = fencingFault(before, after);
    if (fencing !== undefined) this.world.fail(fencing);
    const { opened, latest, acknowledging, acknowledged, flushRequested } = after;
    const ordered = acknowledged <= acknowledging && acknowledging <= latest && latest <= opened;
    const forward =
      opened >= before.opened &&
      latest >= before.latest &&
      acknowledging >= before.acknowledging &&
      // A restore's snapshot may be older than what was told since.
      (acknowledged >= before.acknowledged || after.generation !== before.generation) &&
      flushRequested >= before.flushRequested;
    if (!ordered || !forward) {
      this.outOfOrder(
        `opened ${opened}, latest ${latest}, acknowledging ${acknowledging}, acknowledged ${acknowledged}`,
      );
    }
    if (acknowledged > before.acknowledged) this.receiptsRecorded(acknowledged);
  }

  /** The pointer says that Pulsar was told: it must have been, on every partition. */
  private receiptsRecorded(number: number): void {
    // A cycle that woke late may make a lost one anew, with more in it: then less was told than it says, and no harm done.
    if (this.world.snapshotsDamaged) return;
    for (const { partition, committed, origin, generation } of this.snapshots.get(number)?.partitions ?? []) {
      // One that is halted, or was because of what its cursor said, is told again once it was resumed and has moved.
      if (this.state(partition)?.halted || this.haltCodes.has(`${partition} PH_HALT_MARK_DELETE_AHEAD`))
        continue;
      if (this.state(partition)?.generation !== generation || committed.entry === -1) continue;
      const told = this.told.get(partition) ?? origin;
      if (isAfter(committed, told)) {
        this.outOfOrder(
          `checkpoint ${number} is recorded as acknowledged; partition ${partition} was told ${formatPosition(told)}, not ${formatPosition(committed)}`,
        );
      }
    }
  }

  private objectCreated(key: string, body: Uint8Array): void {
    if (key.includes('/operations/')) this.operationWritten(key, body);
    const number = snapshotNumber(key);
    if (number === undefined) return;
    const { snapshot } = decodeSnapshot(key, body);
    // A lost one made again by a late try says less than what Pulsar was told by it: its cursor looks moved.
    if (this.snapshots.has(number)) this.world.expect('PH_HALT_MARK_DELETE_AHEAD');
    this.snapshots.set(number, snapshot);
    for (const { partition, committed, generation } of snapshot.partitions) {
      const state = this.state(partition);
      // One of a generation that has ended may come late: it is never the latest, and what it says is never told. One from
      // before the state was put back says what was committed then, and so that the state is older.
      const isOurs = state?.generation === generation && !this.lostEpochs.has(partition);
      if (isOurs && isAfter(committed, state.committed)) {
        this.outOfOrder(
          `snapshot ${number} has partition ${partition} at ${formatPosition(committed)}, committed is ${formatPosition(state.committed)}`,
        );
      }
    }
  }

  private objectDeleted(key: string): void {
    const number = snapshotNumber(key);
    const cycle = this.world.table.cycle(this.world.scenario.pipeline.name).value;
    // A cycle put back points at snapshots that its own later life had rightly pruned, or still does.
    const isNeeded =
      cycle &&
      this.lostEpochs.size === 0 &&
      (number === cycle.acknowledged || (number ?? -1) >= cycle.acknowledging);
    if (isNeeded) {
      this.outOfOrder(`snapshot ${number} was pruned while it was needed`);
    }
  }

  private outOfOrder(message: string): void {
    this.fail('1 acknowledged <= snapshot <= committed', message);
  }

  private acknowledged(subject: Partition, position: Position): void {
    const partition = this.world.broker.partitions.indexOf(subject);
    const { committed, forgotten = BEFORE_ALL } = this.state(partition) ?? {};
    // After a loss a cycle that lives on tells what its snapshot says; the states that stand then are not yet rebuilt.
    // Where the state was put back and the snapshot that would show it is gone, an older one still says what was committed.
    const unseen = this.world.snapshotsDamaged && this.lostEpochs.has(partition);
    const rebuilding = this.restoring || unseen;
    if (!rebuilding && committed && isAfter(position, committed) && isAfter(position, forgotten)) {
      this.outOfOrder(
        `${subject.name} is acknowledged up to ${formatPosition(position)}, committed is ${formatPosition(committed)}`,
      );
    }
    this.told.set(partition, laterOf(this.told.get(partition) ?? BEFORE_ALL, position));
    const covered = [...this.snapshots.values()].some(({ partitions }) =>
      partitions.some((entry) => entry.partition === partition && !isAfter(position, entry.committed)),
    );
    if (!covered) {
      this.outOfOrder(
        `${subject.name} is acknowledged up to ${formatPosition(position)}, which no snapshot covers`,
      );
    }
  }
}
