import { createHash } from 'node:crypto';
import { PulsehouseError } from '../pipeline/errors.ts';
import { formatPosition, parsePosition } from '../pipeline/position.ts';
import type { ReplayRange, ReplayRecord, StoredRanges } from '../pipeline/replay.ts';
import type { ObjectStore } from './object-store.ts';
import type { ReplayStore } from './replay-store.ts';

/** A record is one item of the state table, which may have 400 KB; a range takes up to 110 bytes of it. */
const MOST_IN_A_RECORD = 2_000;
const OBJECTS_AT_ONCE = 8;

/**
 * Replays of any number of ranges: many of them lie in an immutable object, which is written before the record that names
 * it and its hash. Records with all their ranges in them, as earlier versions wrote them, are read as they are.
 * @throws PulsehouseError PH_REPLAY_RANGES_LOST when the object of a record is gone or altered.
 */
export function withRangesInObjects(records: ReplayStore, objects: ObjectStore): ReplayStore {
  // Whoever works on a replay reads its record every few seconds: its object never changes, and is read once.
  let newest: { readonly key: string; readonly ranges: Promise<readonly ReplayRange[]> } | undefined;
  const rangesIn = (record: ReplayRecord, stored: StoredRanges, deadline: number) => {
    if (newest?.key === stored.key) return newest.ranges;
    const reading = { key: stored.key, ranges: readRanges(objects, record, stored, deadline) };
    newest = reading;
    reading.ranges.catch(() => {
      if (newest === reading) newest = undefined;
    });
    return reading.ranges;
  };
  const whole = async (record: ReplayRecord, deadline: number): Promise<ReplayRecord> => {
    const { rangesObject, ...rest } = record;
    return rangesObject ? { ...rest, ranges: await rangesIn(record, rangesObject, deadline) } : record;
  };
  return {
    async createReplay(record, deadline) {
      if (record.ranges.length <= MOST_IN_A_RECORD) return records.createReplay(record, deadline);
      const rangesObject = await writeRanges(objects, record, deadline);
      await records.createReplay({ ...record, ranges: [], rangesObject }, deadline);
    },
    async readReplay(pipeline, id, deadline) {
      const record = await records.readReplay(pipeline, id, deadline);
      return record && whole(record, deadline);
    },
    async readReplays(pipeline, limit, deadline) {
      const found = await records.readReplays(pipeline, limit, deadline);
      const read: ReplayRecord[] = [];
      for (let from = 0; from < found.length; from += OBJECTS_AT_ONCE) {
        const next = found.slice(from, from + OBJECTS_AT_ONCE);
        read.push(...(await Promise.all(next.map((record) => whole(record, deadline)))));
      }
      return read;
    },
    async endReplay(pipeline, id, status, at, deadline) {
      const record = await records.endReplay(pipeline, id, status, at, deadline);
      return record && whole(record, deadline);
    },
  };
}

/** One line a range. The hash is part of the key: under one key stands the same object, whoever wrote it. */
async function writeRanges(
  objects: ObjectStore,
  { pipeline, id, ranges }: ReplayRecord,
  deadline: number,
): Promise<StoredRanges> {
  const lines = ranges.map(
    ({ partition, after, to }) => `${partition} ${formatPosition(after)} ${formatPosition(to)}\n`,
  );
  const body = Buffer.from(lines.join(''));
  const hash = hashOf(body);
  const stored = { key: `${pipeline}/replays/${id}-${hash.slice(0, 16)}.txt`, hash, count: ranges.length };
  const result = await objects.create(stored.key, body, deadline);
  if (!result.created && hashOf(result.existing) !== hash) throw lost(stored, pipeline, 'is another object');
  return stored;
}

async function readRanges(
  objects: ObjectStore,
  { pipeline }: ReplayRecord,
  stored: StoredRanges,
  deadline: number,
): Promise<readonly ReplayRange[]> {
  const body = await objects.read(stored.key, deadline);
  if (!body) throw lost(stored, pipeline, 'is not there');
  if (hashOf(body) !== stored.hash)
    throw lost(stored, pipeline, 'does not have the hash that its record names');
  const lines = Buffer.from(body).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [partition, after = '', to = ''] = line.split(' ');
    return { partition: Number(partition), after: parsePosition(after), to: parsePosition(to) };
  });
}

function lost({ key }: StoredRanges, pipeline: string, how: string): PulsehouseError {
  return new PulsehouseError('PH_REPLAY_RANGES_LOST', `${key}, the ranges of a replay, ${how}`, {
    where: { pipeline },
  });
}

function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
