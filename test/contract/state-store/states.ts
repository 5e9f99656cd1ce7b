import { randomUUID } from 'node:crypto';
import type { CheckpointRecord, CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type { Intent } from '../../../lib/pipeline/intent.ts';
import type { BatchRecord, PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { newPartitionState } from '../../../lib/pipeline/partition-transitions.ts';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';

/** Whole states with made-up contents, for tests that care about a field or two of them. */

export function uniquePipeline(): string {
  return `contract-${randomUUID()}`;
}

export function intent(changes: Partial<Intent> = {}): Intent {
  return {
    seq: 1,
    generation: 'g1',
    after: { ledger: 3, entry: 9 },
    to: { ledger: 4, entry: 250 },
    entries: 251,
    messages: 200_000,
    rows: 199_990,
    filtered: 7,
    bytes: 54_000_000,
    digest: 'c0ffee',
    mapping: 'b0a7',
    publishedUpTo: 1_790_000_000_123,
    attempt: 2,
    notAfter: 1_790_000_030_000,
    tokens: { table: '1d9e', window: 1000, oldestBlock: -1, newestBlock: 41 },
    deadLetters: { count: 3, parts: [{ count: 3, key: 'dead-letters/x.json' }] },
    ...changes,
  };
}

export function partitionState(pipeline: string, changes: Partial<PartitionState> = {}): PartitionState {
  const origin = newPartitionState({
    pipeline,
    partition: 0,
    topic: 'persistent://public/default/events-partition-0',
    generation: 'g1',
    cluster: undefined,
    origin: BEFORE_ALL,
    writeId: randomUUID(),
  });
  return { ...origin, epoch: 7, version: 41, ...changes };
}

/** Every optional field set. */
export function busyPartitionState(pipeline: string): PartitionState {
  return partitionState(pipeline, {
    owner: 'someone',
    leaseUntil: 1_790_000_015_000,
    cluster: 'standalone/2',
    origin: { ledger: 2, entry: -1 },
    committed: { ledger: 3, entry: 9 },
    committedPublishTime: 1_790_000_000_000,
    heldUntil: 1_790_000_600_000,
    seq: 2,
    inFlight: [
      intent(),
      intent({
        seq: 2,
        after: { ledger: 4, entry: 250 },
        to: { ledger: 4, entry: 251 },
        deadLetters: undefined,
      }),
    ],
    flushed: 12,
    totals: { batches: 1, entries: 2, messages: 3, rows: 2, filtered: 1, deadLetters: 0, bytes: 2 ** 50 },
    halted: {
      code: 'PH_X',
      reason: 'r',
      nextStep: 'n',
      position: { ledger: 4, entry: 7 },
      at: 1_790_000_000_001,
    },
    viewGaps: [
      {
        after: { ledger: 2, entry: 7 },
        to: { ledger: 3, entry: 9 },
        ...{ rows: 200, views: ['d.v'], answered: true, since: 1_790_000_000_000 },
      },
    ],
    failedTries: {
      code: 'PH_Y',
      message: 'm',
      nextStep: 'n',
      position: '(3:9, 4:250]',
      count: 3,
      since: 1_790_000_000_000,
      at: 1_790_000_000_002,
    },
  });
}

export function cycleState(pipeline: string, changes: Partial<CycleState> = {}): CycleState {
  return {
    pipeline,
    epoch: 3,
    version: 90,
    writeId: randomUUID(),
    follows: '',
    owner: undefined,
    leaseUntil: 0,
    generation: 'g1',
    partitions: 4,
    flushRequested: 13,
    latest: 12,
    opened: 13,
    acknowledging: 12,
    acknowledged: 11,
    paused: false,
    ...changes,
  };
}

/** Committed far in the future: what the emulator takes for expired it deletes, as DynamoDB does. */
export function batchRecord(pipeline: string, changes: Partial<BatchRecord> = {}): BatchRecord {
  return { ...intent(), pipeline, partition: 0, epoch: 7, committedAt: 4_000_000_001_000, ...changes };
}

export function checkpointRecord(
  pipeline: string,
  changes: Partial<CheckpointRecord> = {},
): CheckpointRecord {
  return {
    pipeline,
    number: 1,
    epoch: 3,
    status: 'open',
    openedAt: 1_790_000_000_000,
    completedAt: undefined,
    snapshotKey: undefined,
    messages: 0,
    rows: 0,
    deadLetters: 0,
    laggards: [],
    laggardCount: 0,
    ...changes,
  };
}
