import { hashOfIndexes } from '../../pipeline/index-hash.ts';
import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { Environment } from '../../ports/environment.ts';
import type { EntryIndexes, RowRange, Sink } from '../../ports/sink.ts';
import type { Entry, EntryReader, Transport } from '../../ports/transport.ts';
import { untouchable } from './bounded-transport.ts';
import type { LetterTopic } from './letter-topic.ts';

/** A batch of a redrive has at most so many entries: a question about its rows names each. */
export const MOST_ENTRIES = 5_000;

const PAUSE_AT_END = 20;

/** A topic of these dead letters alone. It asks Pulsar for nothing, which may have forgotten them long ago. */
export function letterTransport(
  transport: Transport,
  letters: LetterTopic,
  environment: Environment,
): Transport {
  return {
    partitions: (topic, deadline) => transport.partitions(topic, deadline),
    topicIdentity: () => Promise.resolve(undefined),
    hasOnlyMarkers: () => Promise.resolve(undefined),
    lastPosition: () => Promise.resolve(letters.last),
    openReader: (_, { after }) => Promise.resolve(readerOf(letters, after, environment)),
    ensureSubscription: (topic) => Promise.reject(untouchable(topic)),
    subscriptionState: (topic, name, deadline) => transport.subscriptionState(topic, name, deadline),
    acknowledge: (topic) => Promise.reject(untouchable(topic)),
    close: () => transport.close(),
  };
}

function readerOf(letters: LetterTopic, after: Position, environment: Environment): EntryReader {
  const entries = letters.readAfter(after);
  return {
    poll: () => undefined,
    async next(milliseconds): Promise<Entry | undefined> {
      const read = await entries.next();
      if (!read.done) return read.value;
      await environment.sleep(Math.min(milliseconds, PAUSE_AT_END));
      return undefined;
    },
    async close() {
      await entries.return();
    },
  };
}

/** The table as if it held the rows of these dead letters' messages alone: the rows beside them are not in question. */
export function onlyRowsOf(sink: Sink, letters: LetterTopic): Sink {
  const indexesIn = async (range: RowRange, deadline: number): Promise<readonly EntryIndexes[]> => {
    const wanted = letters.within(range);
    const found: EntryIndexes[] = [];
    for (let from = 0; from < wanted.length; from += MOST_ENTRIES) {
      const some = wanted.slice(from, from + MOST_ENTRIES);
      const indexes = new Map(some.map((entry) => [formatPosition(entry.position), new Set(entry.indexes)]));
      const entries = some.map(({ position }) => position);
      for (const entry of await sink.indexesIn({ ...range, entries }, deadline)) {
        const own = indexes.get(formatPosition(entry.position));
        const rows = entry.indexes.filter((index) => own?.has(index));
        if (rows.length > 0) found.push({ position: entry.position, indexes: rows });
      }
    }
    return found;
  };
  return {
    table: sink.table,
    mapping: sink.mapping,
    condition: sink.condition,
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
    expiredRows: (body, deadline) => sink.expiredRows(body, deadline),
    unmet: (body, deadline) => sink.unmet(body, deadline),
    rowsHidden: (deadline) => sink.rowsHidden(deadline),
    // Most of what it settles was never sent by it: how the inserts of then ended is noted already.
    dependentViews: () => Promise.resolve([]),
    serverNow: (deadline) => sink.serverNow(deadline),
    close: () => sink.close(),
  };
}
