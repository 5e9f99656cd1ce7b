import type { CheckpointRecord, CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type { BatchRecord, DeadLetterBatch, PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { formatPosition } from '../../../lib/pipeline/position.ts';
import type { ReplayRecord } from '../../../lib/pipeline/replay.ts';
import type { Link } from '../link.ts';
import { ALL_CONDITIONS, assertFits, Item } from './state-item.ts';

/** Everything of one pipeline. */
class PipelineItems {
  readonly cycle = new Item<CycleState>();
  readonly partitions = new Map<number, Item<PartitionState>>();
  readonly batches = new Map<string, BatchRecord>();
  readonly letters = new Map<string, DeadLetterBatch>();
  readonly checkpoints = new Map<number, CheckpointRecord>();
  readonly replays = new Map<string, ReplayRecord>();
}

/** What a backup holds of one pipeline. */
export interface StateBackup {
  readonly cycle: CycleState | undefined;
  readonly partitions: ReadonlyMap<number, PartitionState | undefined>;
  readonly batches: ReadonlyMap<string, BatchRecord>;
  readonly letters: ReadonlyMap<string, DeadLetterBatch>;
  readonly checkpoints: ReadonlyMap<number, CheckpointRecord>;
}

/** The table itself. */
export class StateTable {
  readonly link: Link;
  conditions = ALL_CONDITIONS;
  onPartitionWritten: (before: PartitionState | undefined, after: PartitionState) => void = () => {};
  onCycleWritten: (before: CycleState | undefined, after: CycleState) => void = () => {};
  private readonly pipelines = new Map<string, PipelineItems>();

  constructor(link: Link) {
    this.link = link;
  }

  cycle(pipeline: string): Item<CycleState> {
    return this.of(pipeline).cycle;
  }

  partition(pipeline: string, partition: number): Item<PartitionState> {
    const { partitions } = this.of(pipeline);
    const known = partitions.get(partition);
    if (known !== undefined) return known;
    const item = new Item<PartitionState>();
    item.onWritten = (before, after) => this.onPartitionWritten(before, after);
    partitions.set(partition, item);
    return item;
  }

  partitions(pipeline: string): readonly PartitionState[] {
    const items = [...this.of(pipeline).partitions.values()];
    return items.flatMap(({ value }) => value ?? []).sort((a, b) => a.partition - b.partition);
  }

  /** The partition's item becomes one that nobody can read, or what it was. */
  spoil(pipeline: string, partition: number, spoilt: boolean): void {
    this.partition(pipeline, partition).spoilt = spoilt;
  }

  batches(pipeline: string): readonly BatchRecord[] {
    return [...this.of(pipeline).batches.values()];
  }

  checkpoints(pipeline: string): readonly CheckpointRecord[] {
    return [...this.of(pipeline).checkpoints.values()];
  }

  replays(pipeline: string): Map<string, ReplayRecord> {
    return this.of(pipeline).replays;
  }

  /** Every item of every pipeline is gone. */
  lose(): void {
    this.pipelines.clear();
  }

  backup(pipeline: string): StateBackup {
    const { cycle, partitions, batches, letters, checkpoints } = this.of(pipeline);
    return {
      cycle: cycle.value,
      partitions: new Map([...partitions].map(([partition, { value }]) => [partition, value])),
      batches: new Map(batches),
      letters: new Map(letters),
      checkpoints: new Map(checkpoints),
    };
  }

  /** Items are put back past every condition; those that the backup does not know are gone. */
  putBackAll(pipeline: string, backup: StateBackup): void {
    const items = this.of(pipeline);
    items.cycle.value = backup.cycle;
    for (const partition of items.partitions.keys()) this.putBackPartition(pipeline, backup, partition);
    items.batches.clear();
    for (const [key, record] of backup.batches) items.batches.set(key, record);
    items.letters.clear();
    for (const [key, batch] of backup.letters) items.letters.set(key, batch);
    items.checkpoints.clear();
    for (const [number, record] of backup.checkpoints) items.checkpoints.set(number, record);
  }

  putBackPartition(pipeline: string, backup: StateBackup, partition: number): void {
    this.partition(pipeline, partition).value = backup.partitions.get(partition);
  }

  deadLetterBatches(pipeline: string): readonly DeadLetterBatch[] {
    return [...this.of(pipeline).letters.values()];
  }

  putDeadLetterBatch(batch: DeadLetterBatch): void {
    assertFits(batch);
    const { letters } = this.of(batch.pipeline);
    const key = `${batch.partition}/${batch.generation}/${formatPosition(batch.to)}`;
    const found = letters.get(key);
    if (found === undefined || found.epoch <= batch.epoch) letters.set(key, batch);
  }

  putBatch(record: BatchRecord): void {
    assertFits(record);
    const { batches } = this.of(record.pipeline);
    const { pipeline, partition, generation, seq, epoch, after, to, publishedUpTo, deadLetters } = record;
    if (deadLetters) {
      this.putDeadLetterBatch({
        ...{ pipeline, partition, generation, seq, epoch, after, to, publishedUpTo, deadLetters },
      });
    }
    const key = `${record.partition}/${record.generation}/${record.seq}`;
    const found = batches.get(key);
    if (found === undefined || found.epoch <= record.epoch) batches.set(key, record);
  }

  putCheckpoint(record: CheckpointRecord): void {
    assertFits(record);
    const { checkpoints } = this.of(record.pipeline);
    const found = checkpoints.get(record.number);
    if (found === undefined || found.epoch <= record.epoch) checkpoints.set(record.number, record);
  }

  private of(pipeline: string): PipelineItems {
    const known = this.pipelines.get(pipeline);
    if (known !== undefined) return known;
    const items = new PipelineItems();
    items.cycle.onWritten = (before, after) => this.onCycleWritten(before, after);
    this.pipelines.set(pipeline, items);
    return items;
  }
}
