import { decodeSnapshot, snapshotNumber } from '../../../lib/checkpoint/snapshot.ts';
import type { CycleState } from '../../../lib/pipeline/cycle-state.ts';
import {
  BEFORE_ALL,
  formatPosition,
  isAfter,
  laterOf,
  type Position,
} from '../../../lib/pipeline/position.ts';
import type { Partition } from '../fakes/broker.ts';
import { droppedFromCycle, KEPT } from '../versions.ts';
import type { Observed } from './observed.ts';
import { fencingFault } from './progress.ts';

/** Invariant 1: what the cycle writes, the snapshots, and what Pulsar is told. */
export class CheckpointChecker {
  private readonly observed: Observed;
  /** What Pulsar was ever told, by partition. */
  private readonly told = new Map<number, Position>();
  /** Up to where a snapshot ever stood, by partition: of one that was lost since, whoever read it may still tell. */
  private readonly covered = new Map<number, Position>();

  constructor(observed: Observed) {
    this.observed = observed;
    const { table, bucket, broker } = observed.world;
    table.onCycleWritten = (before, after) => this.cycleWritten(before, after);
    bucket.onDeleted = (key) => this.objectDeleted(key);
    broker.onAcknowledged = (partition, position) => this.acknowledged(partition, position);
  }

  private cycleWritten(before: CycleState | undefined, after: CycleState): void {
    if (after.latest > (before?.latest ?? 0) && !this.observed.snapshots.has(after.latest)) {
      const message = `checkpoint ${after.latest} is complete without a snapshot`;
      this.outOfOrder(message);
    }
    if (before === undefined) return;
    if (after.epoch > before.epoch && before.acknowledging > before.acknowledged)
      this.observed.tellingCutOff = true;
    const fencing = fencingFault(before, after);
    if (fencing !== undefined) this.observed.world.fail(fencing);
    const dropped = droppedFromCycle(before, after);
    if (dropped !== undefined) this.observed.fail(KEPT, `the cycle lost ${dropped}`);
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
    if (opened > before.opened) this.openedAnew(after);
    if (acknowledged > before.acknowledged) this.receiptsRecorded(acknowledged, after.unacknowledged);
  }

  /** A snapshot beyond says that the cycle is an older copy: somebody must be told, and nothing be opened. */
  private openedAnew({ opened, generation, epoch }: CycleState): void {
    const { snapshots, world, epochPutBack } = this.observed;
    if (epoch === epochPutBack) return;
    const newest = world.wholeSnapshots.at(-1) ?? 0;
    if (newest <= opened || snapshots.get(newest)?.generation !== generation) return;
    this.outOfOrder(`checkpoint ${opened} is opened, and snapshot ${newest} stands`);
  }

  /** The pointer says that Pulsar was told: it must have been, on every partition but those that are named. */
  private receiptsRecorded(number: number, missed: readonly number[] = []): void {
    // A cycle that woke late may make a lost one anew, with more in it: then less was told than it says, and no harm done.
    if (this.observed.world.snapshotsDamaged) return;
    for (const { partition, committed, origin, generation } of this.observed.snapshots.get(number)
      ?.partitions ?? []) {
      if (missed.includes(partition)) continue;
      // One that is halted, or was because of what its cursor said, is told again once it was resumed and has moved.
      if (
        this.observed.state(partition)?.halted ||
        this.observed.wasHalted(partition, 'PH_HALT_MARK_DELETE_AHEAD')
      )
        continue;
      if (this.observed.state(partition)?.generation !== generation || committed.entry === -1) continue;
      const told = this.told.get(partition) ?? origin;
      if (isAfter(committed, told)) {
        this.outOfOrder(
          `checkpoint ${number} is recorded as acknowledged; partition ${partition} was told ${formatPosition(told)}, not ${formatPosition(committed)}`,
        );
      }
    }
  }

  objectCreated(key: string, body: Uint8Array): void {
    const number = snapshotNumber(key);
    if (number === undefined) return;
    const { snapshot } = decodeSnapshot(key, body);
    // A lost one made again by a late try says less than what Pulsar was told by it: its cursor looks moved.
    if (this.observed.snapshots.has(number)) this.observed.world.expect('PH_HALT_MARK_DELETE_AHEAD');
    this.observed.snapshots.set(number, snapshot);
    for (const { partition, committed, generation } of snapshot.partitions) {
      this.covered.set(partition, laterOf(this.covered.get(partition) ?? BEFORE_ALL, committed));
      const state = this.observed.state(partition);
      // One of a generation that has ended may come late: it is never the latest, and what it says is never told. One from
      // before the state was put back says what was committed then, and so that the state is older.
      const isOurs = state?.generation === generation && !this.observed.lostEpochs.has(partition);
      if (isOurs && isAfter(committed, state.committed)) {
        this.outOfOrder(
          `snapshot ${number} has partition ${partition} at ${formatPosition(committed)}, committed is ${formatPosition(state.committed)}`,
        );
      }
    }
  }

  private objectDeleted(key: string): void {
    const number = snapshotNumber(key);
    const { cycle } = this.observed;
    // A cycle put back points at snapshots that its own later life had rightly pruned, or still does.
    const isNeeded =
      cycle &&
      this.observed.lostEpochs.size === 0 &&
      (number === cycle.acknowledged || (number ?? -1) >= cycle.acknowledging);
    if (isNeeded) {
      this.outOfOrder(`snapshot ${number} was pruned while it was needed`);
    }
  }

  private outOfOrder(message: string): void {
    this.observed.fail('1 acknowledged <= snapshot <= committed', message);
  }

  /**
   * Where a state was put back, a cycle that was frozen since before (seed 15306) tells what was committed then; so does a
   * later one when the snapshot that would have shown it is gone too. The rows must stand.
   */
  private wasStored(partition: number, position: Position): boolean {
    const { lostEpochs, cycle, epochPutBack, world } = this.observed;
    const isUnseen = world.snapshotsDamaged || cycle?.epoch === epochPutBack;
    if (!lostEpochs.has(partition) || !isUnseen) return false;
    return this.observed.ledger(partition).fault(BEFORE_ALL, position) === undefined;
  }

  private acknowledged(subject: Partition, position: Position): void {
    const partition = this.observed.world.broker.partitions.indexOf(subject);
    const { committed, forgotten = BEFORE_ALL } = this.observed.state(partition) ?? {};
    // After a loss a cycle that lives on tells what its snapshot says; the states that stand then are not yet rebuilt.
    const isKnown = this.observed.restoring || this.wasStored(partition, position);
    if (!isKnown && committed && isAfter(position, committed) && isAfter(position, forgotten)) {
      this.outOfOrder(
        `${subject.name} is acknowledged up to ${formatPosition(position)}, committed is ${formatPosition(committed)}`,
      );
    }
    this.told.set(partition, laterOf(this.told.get(partition) ?? BEFORE_ALL, position));
    if (isAfter(position, this.covered.get(partition) ?? BEFORE_ALL)) {
      this.outOfOrder(
        `${subject.name} is acknowledged up to ${formatPosition(position)}, which no snapshot covers`,
      );
    }
  }
}
