import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from 'vitest';
import {
  decodeSnapshot,
  encodeSnapshot,
  newSnapshot,
  type Snapshot,
} from '../../../lib/checkpoint/snapshot.ts';
import { batchCodec } from '../../../lib/dynamodb/batch-ledger.ts';
import { checkpointCodec } from '../../../lib/dynamodb/checkpoint-items.ts';
import { cycleCodec } from '../../../lib/dynamodb/cycle-item.ts';
import { deadLetterCodec } from '../../../lib/dynamodb/dead-letter-items.ts';
import { type Attributes, type ItemCodec, LAYOUT } from '../../../lib/dynamodb/item-codec.ts';
import { batchKey, cycleKey, partitionKey } from '../../../lib/dynamodb/keys.ts';
import { partitionCodec } from '../../../lib/dynamodb/partition-codec.ts';
import { replayCodec } from '../../../lib/dynamodb/replay-items.ts';
import * as cycle from '../../../lib/pipeline/cycle-transitions.ts';
import type { PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { amendIntent, commit, failTry, intend } from '../../../lib/pipeline/partition-transitions.ts';
import type { ReplayRecord } from '../../../lib/pipeline/replay.ts';
import {
  batchRecord,
  busyPartitionState,
  checkpointRecord,
  cycleState,
  intent,
} from '../../contract/state-store/states.ts';

const KEY = partitionKey('events', 0);
const LATER = { of: 'a later version', numbers: [1, 2.5], none: null };

/** What a later version may write: every object has a field more. */
function withLater(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLater);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, withLater(field)]);
  return { ...Object.fromEntries(fields), later: LATER };
}

function byLaterVersion<T>(codec: ItemCodec<T>, value: T): Attributes {
  const { scope, item, ...attributes } = codec.encode(KEY, value);
  const written = withLater(unmarshall(attributes)) as Record<string, unknown>;
  return { ...marshall(written), ...KEY };
}

const replay: ReplayRecord = {
  ...{ pipeline: 'events', id: 'r1', mode: 'repair', target: { database: 'd', table: 't' } },
  ...{ from: 'a', to: 'b', exclusions: '', requestedBy: 'me', requestedAt: 1, status: 'running' },
  ranges: [{ partition: 0, after: { ledger: 1, entry: 2 }, to: { ledger: 1, entry: 3 } }],
  finishedAt: undefined,
};
const { pipeline, partition, generation, seq, epoch, after, to, publishedUpTo } = batchRecord('events');
const letters = {
  ...{ pipeline, partition, generation, seq, epoch, after, to, publishedUpTo },
  deadLetters: {
    count: 3,
    parts: [
      { count: 1, key: 'x/1' },
      { count: 2, key: 'x/2' },
    ],
  },
};

describe('what a later version writes is read, and kept by every write of this one:', () => {
  const kept = <T>(name: string, codec: ItemCodec<T>, value: T) =>
    test(`a field more in ${name}`, () => {
      const written = byLaterVersion(codec, value);
      expect(codec.encode(KEY, codec.decode(KEY, written))).toEqual(written);
    });
  kept('a partition', partitionCodec, busyPartitionState('events'));
  kept('a cycle', cycleCodec, cycleState('events', { unacknowledged: [2] }));
  kept('the record of a batch', batchCodec, batchRecord('events'));
  kept('the record of a checkpoint', checkpointCodec, checkpointRecord('events'));
  kept('a list of dead letters', deadLetterCodec, letters);
  kept('a replay', replayCodec, replay);
});

/** As stored, without what is not the state's own. */
function stored<T>(codec: ItemCodec<T>, value: T): Record<string, unknown> {
  return unmarshall(codec.encode(KEY, value));
}

test('a consumer of this version keeps the fields of a later one through intending, settling and committing', () => {
  const found = partitionCodec.decode(
    KEY,
    byLaterVersion(partitionCodec, { ...busyPartitionState('events'), seq: 2 }),
  );
  const next = intent({ seq: 3, after: { ledger: 4, entry: 251 }, to: { ledger: 4, entry: 252 } });
  const intended = intend(found, next);
  const [first] = intended.inFlight;
  const amended = amendIntent(intended, { ...(first ?? expect.fail('no intent')), attempt: 3 });
  const failed = failTry(amended, { code: 'PH_Z', message: 'm', nextStep: 'n', position: undefined, at: 1 });
  expect(stored(partitionCodec, failed)).toMatchObject({
    later: LATER,
    totals: { later: LATER },
    inFlight: [{ later: LATER, attempt: 3 }, { later: LATER }, {}],
    failedTries: { later: LATER, code: 'PH_Z' },
    halted: { later: LATER },
    viewGaps: [{ later: LATER }],
  });
  const committed: PartitionState = commit(failed, 1);
  expect(stored(partitionCodec, committed)).toMatchObject({
    later: LATER,
    totals: { later: LATER, batches: 2 },
    inFlight: [{ seq: 2, later: LATER }, { seq: 3 }],
  });
});

test('a cycle of this version keeps the fields of a later one', () => {
  const written = byLaterVersion(
    cycleCodec,
    cycleState('events', { latest: 13, opened: 13, acknowledging: 12 }),
  );
  const found = cycleCodec.decode(cycleKey('events'), written);
  const told = cycle.acknowledged(cycle.acknowledging(cycle.openCheckpoint(found), 13), 13, [1]);
  expect(stored(cycleCodec, told)).toMatchObject({ later: LATER, acknowledged: 13, unacknowledged: [1] });
});

test('an item of another layout is refused by its name and its layout', () => {
  const item = { ...batchCodec.encode(batchKey('events', 0, 'g1', 1), batchRecord('events')) };
  item['layout'] = { N: String(LAYOUT + 1) };
  expect(() => batchCodec.decode(batchKey('events', 0, 'g1', 1), item)).toThrow(
    expect.objectContaining({
      code: 'PH_STATE_LAYOUT',
      message: expect.stringMatching(
        /batch#g1#0+1 was written by a newer version .* layout is 2, this version's 1/,
      ),
    }),
  );
});

describe('a snapshot', () => {
  const about = {
    ...{ pipeline: 'events', topic: 't', subscription: 's', number: 1, generation: 'g1', takenAt: 1 },
    previous: undefined,
  };
  const snapshot = newSnapshot(about, [busyPartitionState('events')]);

  test('with fields of a later version is read, and its hash counts them', () => {
    const later = withLater(snapshot) as Snapshot;
    const read = decodeSnapshot('events/snapshots/1.json', encodeSnapshot(later));
    expect(read.snapshot).toEqual(JSON.parse(JSON.stringify(later)));
    expect(read.hash).not.toBe(decodeSnapshot('x', encodeSnapshot(snapshot)).hash);
  });

  test('of another layout is no damaged one: the cycle stops instead of beginning a chain anew', () => {
    const newer = { ...snapshot, layout: 2 } as unknown as Snapshot;
    expect(() => decodeSnapshot('events/snapshots/1.json', encodeSnapshot(newer))).toThrow(
      expect.objectContaining({
        code: 'PH_STATE_LAYOUT',
        message: expect.stringContaining('events/snapshots/1.json'),
      }),
    );
  });
});
