import type { DeadLetter } from '../../consume/dead-letter-lines.ts';
import { hashOfIndexes } from '../../pipeline/index-hash.ts';
import {
  BEFORE_ALL,
  comparePositions,
  isAfter,
  type Position,
  parsePosition,
} from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import type { EntryIndexes, RowRange, Sink } from '../../ports/sink.ts';
import {
  COMPACTED_AWAY,
  type Entry,
  type EntryReader,
  type MessageMetadata,
  type Transport,
} from '../../ports/transport.ts';
import { readDeadLetterObjects } from '../comparison/dead-letter-objects.ts';
import type { ReadBatch } from '../comparison/ledger.ts';
import { untouchable } from './bounded-transport.ts';

/** The dead letters of one partition as entries again: their messages at their own indexes, and no others. */
export async function deadLetterEntries(
  objects: ObjectStore,
  batches: readonly ReadBatch[],
  deadline: number,
): Promise<readonly Entry[]> {
  const byPosition = new Map<string, DeadLetter[]>();
  for await (const letters of readDeadLetterObjects(objects, batches, deadline)) {
    for (const letter of letters) {
      const list = byPosition.get(letter.position);
      if (list) list.push(letter);
      else byPosition.set(letter.position, [letter]);
    }
  }
  return [...byPosition]
    .map(([position, letters]) => toEntry(parsePosition(position), letters))
    .sort((a, b) => comparePositions(a.position, b.position));
}

function toEntry(position: Position, letters: readonly DeadLetter[]): Entry {
  const count = letters.reduce((most, { index }) => Math.max(most, index), 0) + 1;
  const bounds = new Int32Array(count * 2).fill(-1);
  for (let index = 0; index < count; index += 1) bounds[index * 2 + 1] = COMPACTED_AWAY;
  const payloads = letters.map(({ payload }) => Buffer.from(payload, 'base64'));
  let start = 0;
  for (const [place, { index }] of letters.entries()) {
    const end = start + (payloads[place]?.byteLength ?? 0);
    bounds[index * 2] = start;
    bounds[index * 2 + 1] = end;
    start = end;
  }
  return {
    position,
    firstPosition: position,
    publishTime: letters[0]?.publishTime ?? 0,
    count,
    data: Buffer.concat(payloads),
    bounds,
    messages: letters.length,
    wireBytes: start,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: (index) => metadataOf(letters.find((letter) => letter.index === index)),
  };
}

function metadataOf(letter: DeadLetter | undefined): MessageMetadata {
  const { key, properties = {}, eventTime = 0, sequenceId = 0, producer } = letter ?? {};
  return { key, properties, eventTime, sequenceId, producer };
}

/** A topic of these entries alone. It asks Pulsar for nothing, which may have forgotten them long ago. */
export function entriesTransport(
  transport: Transport,
  entries: readonly Entry[],
  environment: Environment,
): Transport {
  return {
    partitions: (topic, deadline) => transport.partitions(topic, deadline),
    topicIdentity: () => Promise.resolve(undefined),
    hasOnlyMarkers: () => Promise.resolve(false),
    lastPosition: () => Promise.resolve(entries.at(-1)?.position ?? BEFORE_ALL),
    openReader: (_, { after }) => Promise.resolve(readerOf(entries, after, environment)),
    ensureSubscription: (topic) => Promise.reject(untouchable(topic)),
    subscriptionState: (topic, name, deadline) => transport.subscriptionState(topic, name, deadline),
    acknowledge: (topic) => Promise.reject(untouchable(topic)),
    close: () => transport.close(),
  };
}

function readerOf(entries: readonly Entry[], after: Position, environment: Environment): EntryReader {
  let next = entries.findIndex(({ position }) => isAfter(position, after));
  const poll = () => {
    if (next === -1 || next >= entries.length) return undefined;
    next += 1;
    return entries[next - 1];
  };
  return {
    poll,
    async next(milliseconds) {
      const entry = poll();
      if (!entry) await environment.sleep(Math.min(milliseconds, PAUSE_AT_END));
      return entry;
    },
    close: () => Promise.resolve(),
  };
}

const PAUSE_AT_END = 20;

/** The table as if it held the rows of these entries' messages alone: the rows beside them are not in question. */
export function onlyRowsOf(sink: Sink, entries: readonly Entry[]): Sink {
  const indexesIn = async (range: RowRange, deadline: number): Promise<readonly EntryIndexes[]> => {
    const found: EntryIndexes[] = [];
    for (const entry of entries) {
      const { position } = entry;
      if (!isAfter(position, range.after) || isAfter(position, range.to)) continue;
      const after = { ...position, entry: position.entry - 1 };
      const here = await sink.indexesIn({ partition: range.partition, after, to: position }, deadline);
      const asked = (index: number) => entry.bounds[index * 2 + 1] !== COMPACTED_AWAY && index < entry.count;
      const indexes = here.flatMap((rows) => rows.indexes).filter(asked);
      if (indexes.length > 0) found.push({ position, indexes });
    }
    return found;
  };
  return {
    table: sink.table,
    mapping: sink.mapping,
    newBody: (partition, again) => sink.newBody(partition, again),
    insert: (send) => sink.insert(send),
    openTrial: () => sink.openTrial(),
    indexesIn,
    async countRows(range, deadline) {
      const found = await indexesIn(range, deadline);
      return {
        rows: found.reduce((sum, { indexes }) => sum + indexes.length, 0),
        distinct: found.reduce((sum, { indexes }) => sum + new Set(indexes).size, 0),
      };
    },
    async countRowsByEntry(range, deadline) {
      const found = await indexesIn(range, deadline);
      return found.map(({ position, indexes }) => ({
        position,
        rows: indexes.length,
        distinct: new Set(indexes).size,
        indexHash: hashOfIndexes(indexes),
      }));
    },
    kill: (prefix, deadline) => sink.kill(prefix, deadline),
    tokenWindow: (deadline) => sink.tokenWindow(deadline),
    hasTtl: (deadline) => sink.hasTtl(deadline),
    rowsHidden: (deadline) => sink.rowsHidden(deadline),
    serverNow: (deadline) => sink.serverNow(deadline),
    close: () => sink.close(),
  };
}
