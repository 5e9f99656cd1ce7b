import { formatPosition, type Position } from '../../pipeline/position.ts';
import type { BatchBody, Sink } from '../../ports/sink.ts';
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

/**
 * Of rows that are missing, those that the table's own TTL took: the messages are read again and the table's expression
 * is asked about them, through the mapping. Without a TTL, or with nothing missing, nothing is read.
 */
export class ExpiredMissing {
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

  /** The findings with what expired counted as expired and no longer as missing. */
  async told(window: ComparedWindow): Promise<readonly Finding[]> {
    const { findings } = window;
    const incomplete = new Set(findings.filter(({ missing }) => missing > 0).map(({ where }) => where));
    if (incomplete.size === 0 || !(await this.dependencies.sink.hasTtl(this.deadline))) return findings;
    const expired = await this.expiredOf(window, incomplete);
    return findings.map((finding) => {
      const count = Math.min(finding.missing, expired.get(finding.where) ?? 0);
      return count === 0
        ? finding
        : { ...finding, missing: finding.missing - count, expired: finding.expired + count };
    });
  }

  /** Expired rows, by the position of their entry. */
  private async expiredOf(
    { segment, entries, standing }: ComparedWindow,
    incomplete: ReadonlySet<string>,
  ): Promise<ReadonlyMap<string, number>> {
    const { transport, environment, sink } = this.dependencies;
    const expected = new Map(entries.map((entry) => [formatPosition(entry.position), entry]));
    const first = entries.findIndex(({ position }) => incomplete.has(formatPosition(position)));
    const after = entries[first - 1]?.position ?? segment.after;
    const range = { topic: this.place.topic, after, to: segment.to };
    const expired = new Map<string, number>();
    let body = sink.newBody(this.place.partition);
    for await (const entry of readRange(transport, environment, range, this.deadline)) {
      const where = formatPosition(entry.position);
      const wanted = expected.get(where);
      if (!wanted || !incomplete.has(where)) continue;
      const present = new Set(standing.get(where));
      body.add(
        entry,
        (_position: Position, index: number) => !isInSet(wanted.indexes, index) || present.has(index),
      );
      if (body.rows < ROWS_A_QUESTION && body.encodedBytes < BYTES_A_QUESTION) continue;
      await this.ask(sink, body, expired);
      body = sink.newBody(this.place.partition);
    }
    await this.ask(sink, body, expired);
    return expired;
  }

  private async ask(sink: Sink, body: BatchBody, expired: Map<string, number>): Promise<void> {
    if (body.rows === 0) return;
    for (const { position, indexes } of await sink.expiredRows(body, this.deadline)) {
      const where = formatPosition(position);
      expired.set(where, (expired.get(where) ?? 0) + indexes.length);
    }
  }
}
