import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { BatchBody, EntryIndexes } from '../../ports/sink.ts';
import type { ReplayDependencies } from '../dependencies.ts';
import type { ExpectedEntry, Finding } from './findings.ts';
import { isInSet } from './index-set.ts';
import { readRange } from './read-range.ts';
import type { Segment } from './segments.ts';

/** Bounds of one question, in rows and encoded bytes. */
const ROWS_A_QUESTION = 50_000;
const BYTES_A_QUESTION = 32 * 1024 * 1024;

/** Entries of one window and what the table lacks of them. */
export interface ComparedWindow {
  readonly segment: Segment;
  readonly entries: readonly ExpectedEntry[];
  readonly findings: readonly Finding[];
  /** Each row's message index, by the position of its entry; an entry that is not there has no row. */
  readonly standing: ReadonlyMap<string, readonly number[]>;
}

/** Reads messages that have no row again, for the server to be asked about them. */
export class AbsentMessages {
  private readonly dependencies: Pick<ReplayDependencies, 'transport' | 'environment' | 'sink'>;
  private readonly place: { readonly topic: string; readonly partition: number };
  private readonly deadline: number;

  constructor(
    dependencies: Pick<ReplayDependencies, 'transport' | 'environment' | 'sink'>,
    place: { readonly topic: string; readonly partition: number },
    deadline: number,
  ) {
    this.dependencies = dependencies;
    this.place = place;
    this.deadline = deadline;
  }

  /** For how many messages without a row `question` answers, by the position of their entry. @param where of these entries */
  async count(
    { segment, entries, standing }: ComparedWindow,
    where: ReadonlySet<string>,
    question: (body: BatchBody) => Promise<readonly EntryIndexes[]>,
  ): Promise<ReadonlyMap<string, number>> {
    const { transport, environment, sink } = this.dependencies;
    const expected = new Map(entries.map((entry) => [formatPosition(entry.position), entry]));
    const first = entries.findIndex(({ position }) => where.has(formatPosition(position)));
    const after = entries[first - 1]?.position ?? segment.after;
    const range = { topic: this.place.topic, after, to: segment.to };
    const counts = new Map<string, number>();
    const ask = async (body: BatchBody): Promise<void> => {
      if (body.rows === 0) return;
      for (const { position, indexes } of await question(body)) {
        const key = formatPosition(position);
        counts.set(key, (counts.get(key) ?? 0) + indexes.length);
      }
    };
    let body = sink.newBody(this.place.partition);
    for await (const entry of readRange(transport, environment, range, this.deadline)) {
      const key = formatPosition(entry.position);
      const wanted = expected.get(key);
      if (!wanted || !where.has(key)) continue;
      const present = new Set(standing.get(key));
      body.add(
        entry,
        (_position: Position, index: number) => !isInSet(wanted.indexes, index) || present.has(index),
      );
      if (body.rows < ROWS_A_QUESTION && body.encodedBytes < BYTES_A_QUESTION) continue;
      await ask(body);
      body = sink.newBody(this.place.partition);
    }
    await ask(body);
    return counts;
  }
}
