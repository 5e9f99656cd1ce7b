import type { CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type { Fenced } from '../../../lib/pipeline/partition-state.ts';
import { BEFORE_ALL, formatPosition, isAfter, type Position } from '../../../lib/pipeline/position.ts';
import { isIn } from '../../../lib/replay/comparison/segments.ts';
import type { Observed } from './observed.ts';

/** When it is asked: once everything healed, or after whatever was still on its way has arrived. */
export type Stage = 'healed' | 'late';

/** Whether anything is left to do, or missing, once faults have stopped and everything had time to heal. */
export class Rest {
  private readonly observed: Observed;

  constructor(observed: Observed) {
    this.observed = observed;
  }

  unrest(stage: Stage): string | undefined {
    const { broker } = this.observed.world;
    const { cycle } = this.observed;
    if (cycle === undefined) return 'there is no cycle';
    if (this.observed.world.topicIsForeign) return this.leftUnrest();
    if (this.observed.world.unrest > 0 || cycle.paused) return 'somebody is still at work, or left it paused';
    for (const [number, partition] of broker.partitions.entries()) {
      const last = partition.everything.at(-1)?.position ?? BEFORE_ALL;
      const fault =
        this.lossUnnoticed(number) ??
        this.partitionUnrest(number, partition.name, stage) ??
        this.gapUnnoticed(number) ??
        this.observed.ledger(number).fault(BEFORE_ALL, last) ??
        this.snapshotUnrest(cycle, number, last);
      if (fault !== undefined) return fault;
    }
    return this.cycleUnrest(cycle, stage);
  }

  /** Of a topic in whose place another cluster's stands nothing can be read again: what was committed is whole, and no more. */
  private leftUnrest(): string | undefined {
    const { broker, unrest } = this.observed.world;
    if (unrest > 0) return 'somebody is still at work';
    for (const [number, partition] of broker.partitions.entries()) {
      const state = this.observed.state(number);
      if (state === undefined || this.isHeld(state)) return `${partition.name} is held, or unknown`;
      const fault = this.observed.ledger(number).fault(BEFORE_ALL, state.committed);
      if (fault !== undefined) return fault;
    }
    const told = this.observed.cycle?.paused;
    return told ? undefined : 'another topic is in the place of ours, and nobody was told';
  }

  private partitionUnrest(partition: number, name: string, stage: Stage): string | undefined {
    const state = this.observed.state(partition);
    if (state === undefined) return `${name} was never discovered`;
    if (state.halted !== undefined) return `${name} is halted: ${state.halted.code}`;
    const mayBeHeld = stage === 'healed' && this.observed.world.pipeline.consume.mode === 'follow';
    if ((mayBeHeld || !this.isHeld(state)) && state.inFlight.length === 0) return undefined;
    return `${name} is held by ${state.owner}, with ${state.inFlight.length} batches in flight`;
  }

  /** What a view of the table lacks is noted with the partition. */
  private gapUnnoticed(partition: number): string | undefined {
    const { world } = this.observed;
    if (!world.onlyConsumed) return undefined;
    const gaps = this.observed.state(partition)?.viewGaps ?? [];
    const row = world.clickhouse.notInView.find(
      (each) => each.partition === partition && !isIn(each.position, gaps),
    );
    return (
      row && `a view lacks ${formatPosition(row.position)} of partition ${partition}, and nobody was told`
    );
  }

  private lossUnnoticed(partition: number): string | undefined {
    // A telling that was cut off may itself have moved the cursor: then any position up to it is taken for our own.
    if (this.observed.tellingCutOff || !this.observed.ledger(partition).hasLost) return undefined;
    if (this.observed.wasHalted(partition, 'PH_HALT_MARK_DELETE_AHEAD')) return undefined;
    // A topic exchanged while it was read shows by its identity to whoever reads the next message (seed 52946).
    const { cluster } = this.observed.state(partition) ?? {};
    if (cluster !== undefined && cluster !== this.observed.world.broker.topicIdentity) return undefined;
    // Whoever was told of one partition sees to all of them.
    if (this.observed.wasReset) return undefined;
    return `Pulsar forgot messages of partition ${partition} unread, and nobody was told`;
  }

  private isHeld({ owner, leaseUntil }: Fenced): boolean {
    return (
      owner !== undefined &&
      leaseUntil + this.observed.world.scenario.clientSkew > this.observed.world.scheduler.now
    );
  }

  private snapshotUnrest(cycle: CycleState, partition: number, last: Position): string | undefined {
    const latest = this.observed.snapshots.get(cycle.latest)?.partitions;
    const committed = latest?.find((entry) => entry.partition === partition)?.committed ?? BEFORE_ALL;
    const { stateWasLost, broker } = this.observed.world;
    // Where all is read and trimmed, only the next message shows that an older state was put back (seed 31127).
    if (stateWasLost && broker.partitions[partition]?.last.ledger === -1) return undefined;
    // A restore may leave it a little above: at what the broker says to be the end of the ledger.
    if (!isAfter(last, committed)) return undefined;
    return `partition ${partition} ends at ${formatPosition(last)}; snapshot ${cycle.latest} has ${formatPosition(committed)}`;
  }

  private cycleUnrest(cycle: CycleState, stage: Stage): string | undefined {
    const { checkpoints } = this.observed.world.scenario.pipeline.checkpoint.acknowledgeBehind;
    if (this.isHeld(cycle)) return `the cycle is held by ${cycle.owner}`;
    const { latest, acknowledging, acknowledged } = cycle;
    const whole = this.observed.world.wholeSnapshots;
    // Of a lost snapshot nobody is told; the next one says it all.
    if (cycle.unacknowledged !== undefined && acknowledging === acknowledged && whole.includes(acknowledged))
      return `partitions ${cycle.unacknowledged.join(', ')} were not told of checkpoint ${acknowledged}`;
    if (!whole.includes(latest)) return `checkpoint ${latest} is the latest and has no whole snapshot`;
    const due = checkpoints === 0 ? latest : acknowledging;
    // What trails by a lost snapshot cannot be told; the next one says it. A cycle that slept with its lease may wake late
    // and begin to tell (seed 28778); the next cycle ends that.
    const isLeft = checkpoints > 0 && (stage === 'late' || !whole.includes(due));
    const told = acknowledged === due || isLeft;
    if (told && acknowledging === due) return undefined;
    return `checkpoint ${latest} is the latest, ${acknowledging} is being acknowledged, ${acknowledged} is`;
  }
}
