import pLimit from 'p-limit';
import type { CheckpointRecord, CycleState } from '../../../lib/pipeline/cycle-state.ts';
import { isPulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { BatchRecord, DeadLetterBatch, PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { comparePositions, isAfter } from '../../../lib/pipeline/position.ts';
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
import type { StateTable } from './state-table.ts';

/** Of the adapter. */
const KEYS_A_REQUEST = 100;
const REQUESTS_AT_ONCE = 4;

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
