import pLimit from 'p-limit';
import { isPulsehouseError, PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { CheckpointRecord, CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type {
  BatchRecord,
  DeadLetterBatch,
  Fenced,
  PartitionState,
} from '../../../lib/pipeline/partition-state.ts';
import { comparePositions, formatPosition, isAfter } from '../../../lib/pipeline/position.ts';
import type { ReplayRecord } from '../../../lib/pipeline/replay.ts';
import type {
  BatchRange,
  DeadLetterRange,
  LeaseClaim,
  LeaseResult,
  PartitionsRead,
  StateStore,
  UnreadableState,
  WriteResult,
} from '../../../lib/ports/state-store.ts';
import type { Invocation } from '../invocation.ts';
import type { Link } from '../link.ts';

const ITEM_LIMIT = 400 * 1024;
/** Of the adapter. */
const KEYS_A_REQUEST = 100;
const REQUESTS_AT_ONCE = 4;

/** As DynamoDB does: the JSON of a value is a little longer than its item. */
export function assertFits(item: unknown): void {
  if (JSON.stringify(item).length <= ITEM_LIMIT) return;
  throw new PulsehouseError('PH_STATE_REFUSED', 'Item size has exceeded the maximum allowed size', {
    nextStep: 'An item may have 400 KB.',
  });
}

/** What a write must agree with to take effect. Only a mutation ever asks for less than all. */
export interface WriteConditions {
  readonly epoch: boolean;
  readonly version: boolean;
  readonly follows: boolean;
  /** Whether taking a lease raises the version; where it does, the version fences by itself. */
  readonly takingRaisesVersion: boolean;
}

export const ALL_CONDITIONS: WriteConditions = {
  epoch: true,
  version: true,
  follows: true,
  takingRaisesVersion: true,
};

/** One fenced item: the rules of every conditional write. */
class Item<State extends Fenced> {
  /** What stands there is nothing that this version writes. */
  spoilt = false;
  private stored: State | undefined;
  onWritten: (before: State | undefined, after: State) => void = () => {};

  get value(): State | undefined {
    if (this.spoilt) throw new PulsehouseError('PH_STATE_CORRUPT', 'the state item cannot be read');
    return this.stored;
  }

  set value(state: State | undefined) {
    this.stored = state;
  }

  create(state: State): WriteResult<State> {
    const found = this.value;
    if (found?.writeId === state.writeId) return { written: true };
    if (found !== undefined) return { written: false, found };
    this.set(state);
    return { written: true };
  }

  write(next: State, conditions: WriteConditions): WriteResult<State> {
    const found = this.value;
    if (found?.writeId === next.writeId) return { written: true };
    const holds =
      found !== undefined &&
      (!conditions.epoch || found.epoch === next.epoch) &&
      (!conditions.version || found.version === next.version - 1) &&
      (!conditions.follows || found.writeId === next.follows);
    if (!holds) return { written: false, found };
    this.set(next);
    return { written: true };
  }

  take(claim: LeaseClaim, halted: boolean, conditions: WriteConditions): LeaseResult<State> {
    const found = this.value;
    if (found === undefined) return { taken: false, found };
    if (found.writeId === claim.writeId) return { taken: true, state: found };
    const isFree = found.owner === undefined || found.owner === claim.dead || found.leaseUntil <= claim.now;
    if (halted || !isFree) return { taken: false, found };
    const state = {
      ...found,
      epoch: found.epoch + (claim.raise ?? 1),
      version: found.version + (conditions.takingRaisesVersion ? 1 : 0),
      follows: found.writeId,
      writeId: claim.writeId,
      owner: claim.owner,
      leaseUntil: claim.leaseUntil,
    };
    this.set(state);
    return { taken: true, state };
  }

  private set(state: State): void {
    assertFits(state);
    const before = this.value;
    this.value = state;
    this.onWritten(before, state);
  }
}

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

/** The table as one invocation sees it. */
export class SimulatedStateStore implements StateStore {
  private readonly invocation: Invocation;
  private readonly table: StateTable;

  constructor(invocation: Invocation, table: StateTable) {
    this.invocation = invocation;
    this.table = table;
  }

  createPartition(state: PartitionState, deadline: number): Promise<WriteResult<PartitionState>> {
    return this.call(`creates state ${state.partition}`, deadline, () =>
      this.table.partition(state.pipeline, state.partition).create(state),
    );
  }

  readPartition(pipeline: string, partition: number, deadline: number): Promise<PartitionState | undefined> {
    return this.call(
      `reads state ${partition}`,
      deadline,
      () => this.table.partition(pipeline, partition).value,
    );
  }

  /** One request after the other, as DynamoDB gives no consistent view of several items. */
  async readPartitions(
    pipeline: string,
    partitions: number | readonly number[],
    deadline: number,
  ): Promise<readonly PartitionState[]> {
    const numbers = typeof partitions === 'number' ? Array(partitions).keys() : partitions;
    const states: PartitionState[] = [];
    for (const partition of numbers) {
      const state = await this.readPartition(pipeline, partition, deadline);
      if (state !== undefined) states.push(state);
    }
    return states;
  }

  async readEachPartition(
    pipeline: string,
    partitions: number | readonly number[],
    deadline: number,
  ): Promise<PartitionsRead> {
    const numbers = typeof partitions === 'number' ? [...Array(partitions).keys()] : partitions;
    if (numbers.length > KEYS_A_REQUEST) return this.readMany(pipeline, numbers, deadline);
    const states: PartitionState[] = [];
    const unreadable: UnreadableState[] = [];
    for (const partition of numbers)
      try {
        const state = await this.readPartition(pipeline, partition, deadline);
        if (state !== undefined) states.push(state);
      } catch (error) {
        if (!isPulsehouseError(error) || error.code !== 'PH_STATE_CORRUPT') throw error;
        unreadable.push({ partition, error });
      }
    return { states, unreadable };
  }

  /** As the adapter does: a hundred keys a request, four requests at once. */
  private async readMany(
    pipeline: string,
    numbers: readonly number[],
    deadline: number,
  ): Promise<PartitionsRead> {
    const chunks = Array.from({ length: Math.ceil(numbers.length / KEYS_A_REQUEST) }, (_, at) =>
      numbers.slice(at * KEYS_A_REQUEST, (at + 1) * KEYS_A_REQUEST),
    );
    const read = await pLimit(REQUESTS_AT_ONCE).map(chunks, (chunk) =>
      this.call(`reads ${chunk.length} states`, deadline, () =>
        chunk.flatMap((partition) => this.table.partition(pipeline, partition).value ?? []),
      ),
    );
    return { states: read.flat(), unreadable: [] };
  }

  takePartition(
    pipeline: string,
    partition: number,
    claim: LeaseClaim,
    deadline: number,
  ): Promise<LeaseResult<PartitionState>> {
    return this.call(`takes state ${partition}`, deadline, () => {
      const item = this.table.partition(pipeline, partition);
      return item.take(claim, item.value?.halted !== undefined, this.table.conditions);
    });
  }

  writePartition(next: PartitionState, deadline: number): Promise<WriteResult<PartitionState>> {
    return this.call(`writes state ${next.partition} e${next.epoch} v${next.version}`, deadline, () =>
      this.table.partition(next.pipeline, next.partition).write(next, this.table.conditions),
    );
  }

  putBatch(record: BatchRecord, deadline: number): Promise<void> {
    return this.call(`puts batch ${record.partition}/${record.seq}`, deadline, () =>
      this.table.putBatch(record),
    );
  }

  readBatches(
    pipeline: string,
    partition: number,
    generation: string,
    deadline: number,
  ): Promise<readonly BatchRecord[]> {
    return this.call(`reads batches ${partition}`, deadline, () =>
      this.table
        .batches(pipeline)
        .filter((record) => record.partition === partition && record.generation === generation)
        .sort((a, b) => a.seq - b.seq),
    );
  }

  readBatchesFrom(range: BatchRange, deadline: number): Promise<readonly BatchRecord[]> {
    const { pipeline, partition, generation, from, limit } = range;
    return this.call(`reads batches ${partition} from ${from}`, deadline, () =>
      this.table
        .batches(pipeline)
        .filter((record) => record.partition === partition && record.generation === generation)
        .filter(({ seq }) => seq >= from)
        .sort((a, b) => a.seq - b.seq)
        .slice(0, limit),
    );
  }

  putDeadLetterBatch(batch: DeadLetterBatch, deadline: number): Promise<void> {
    return this.call(`puts letters ${batch.partition}/${batch.seq}`, deadline, () =>
      this.table.putDeadLetterBatch(batch),
    );
  }

  readDeadLetterBatches(range: DeadLetterRange, deadline: number): Promise<readonly DeadLetterBatch[]> {
    const { pipeline, partition, generation, after, to, limit } = range;
    return this.call(`reads letters ${partition}`, deadline, () =>
      this.table
        .deadLetterBatches(pipeline)
        .filter((batch) => batch.partition === partition && batch.generation === generation)
        .filter((batch) => isAfter(batch.to, after))
        .sort((a, b) => comparePositions(a.to, b.to))
        .slice(0, limit)
        .filter((batch) => isAfter(to, batch.after)),
    );
  }

  createCycle(state: CycleState, deadline: number): Promise<WriteResult<CycleState>> {
    return this.call('creates cycle', deadline, () => this.table.cycle(state.pipeline).create(state));
  }

  readCycle(pipeline: string, deadline: number): Promise<CycleState | undefined> {
    return this.call('reads cycle', deadline, () => this.table.cycle(pipeline).value);
  }

  takeCycle(pipeline: string, claim: LeaseClaim, deadline: number): Promise<LeaseResult<CycleState>> {
    return this.call('takes cycle', deadline, () =>
      this.table.cycle(pipeline).take(claim, false, this.table.conditions),
    );
  }

  writeCycle(next: CycleState, deadline: number): Promise<WriteResult<CycleState>> {
    return this.call(`writes cycle e${next.epoch} v${next.version}`, deadline, () =>
      this.table.cycle(next.pipeline).write(next, this.table.conditions),
    );
  }

  putCheckpoint(record: CheckpointRecord, deadline: number): Promise<void> {
    return this.call(`puts checkpoint ${record.number}`, deadline, () => this.table.putCheckpoint(record));
  }

  readCheckpoint(pipeline: string, number: number, deadline: number): Promise<CheckpointRecord | undefined> {
    return this.call(`reads checkpoint ${number}`, deadline, () =>
      this.table.checkpoints(pipeline).find((record) => record.number === number),
    );
  }

  readCheckpoints(pipeline: string, limit: number, deadline: number): Promise<readonly CheckpointRecord[]> {
    return this.call('reads checkpoints', deadline, () =>
      [...this.table.checkpoints(pipeline)].sort((a, b) => b.number - a.number).slice(0, limit),
    );
  }

  close(): void {}

  private call<T>(operation: string, deadline: number, serve: () => T): Promise<T> {
    return this.invocation.call(this.table.link, operation, deadline, serve);
  }
}
