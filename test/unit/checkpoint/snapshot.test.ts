import { describe, expect, test } from 'vitest';
import {
  decodeSnapshot,
  encodeSnapshot,
  newSnapshot,
  snapshotKey,
  snapshotNumber,
} from '../../../lib/checkpoint/snapshot.ts';
import { emptyPartition } from '../pipeline/fixtures.ts';

const snapshot = newSnapshot(
  {
    pipeline: 'iot',
    topic: 'persistent://public/default/iot',
    subscription: 'pulsehouse',
    number: 12,
    generation: 'g',
    takenAt: 1_000,
    previous: { number: 11, hash: 'a'.repeat(64) },
  },
  [emptyPartition],
);
const bytes = encodeSnapshot(snapshot);

test('a snapshot is read as it was written, and every reading has the same hash', () => {
  const once = decodeSnapshot('key', bytes);
  expect(once.snapshot).toEqual(JSON.parse(JSON.stringify(snapshot)));
  expect(decodeSnapshot('key', encodeSnapshot(once.snapshot)).hash).toBe(once.hash);
});

describe('a damaged object is never taken for a snapshot', () => {
  test('any flipped byte', () => {
    for (let at = 0; at < bytes.length - 1; at++) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => decodeSnapshot('key', damaged)).toThrow(
        expect.objectContaining({ code: 'PH_SNAPSHOT_CORRUPT' }),
      );
    }
  });

  test('any cut', () => {
    for (let length = 0; length < bytes.length - 1; length += 7) {
      expect(() => decodeSnapshot('key', bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'PH_SNAPSHOT_CORRUPT' }),
      );
    }
  });
});

test('keys sort as numbers do', () => {
  const numbers = [1, 2, 9, 10, 11, 100, 2_000_000];
  const keys = numbers.map((number) => snapshotKey('iot', number));
  expect([...keys].sort()).toEqual(keys);
  expect(keys.map(snapshotNumber)).toEqual(numbers);
  expect(snapshotNumber('iot/snapshots/notes.txt')).toBeUndefined();
});
