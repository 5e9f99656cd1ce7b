import { FirstIndexes } from '../../pipeline/index-hash.ts';
import {
  BEFORE_ALL,
  formatPosition,
  isAfter,
  type Position,
  parsePosition,
} from '../../pipeline/position.ts';
import type { RowRange, Sink } from '../../ports/sink.ts';
import type { ReplayDependencies, Watch } from '../dependencies.ts';
import { AbsentMessages } from './absent-messages.ts';
import { withExpired } from './expired-missing.ts';
import {
  compareEntries,
  compareSuspects,
  type ExpectedEntry,
  type Finding,
  type FindingList,
} from './findings.ts';
import { sizeOf } from './index-set.ts';
import type { ReadBatch } from './ledger.ts';
import { MissingSegments } from './missing-segments.ts';
import { UnmetMessages, withoutUnmet } from './unmet-messages.ts';

/** Bounds of one question: entries listed in an answer, rows counted in the server. */
const ENTRIES_A_WINDOW = 20_000;
const ROWS_A_WINDOW = 250_000;

interface Compared {
  readonly wrong: readonly Finding[];
  /** Entries that may lack rows which others are said to lack. */
  readonly suspects: ReadonlySet<string>;
}

/** Collects entries into windows and asks the table about one while the next is being read. */
export class WindowQuestions {
  private readonly sink: Sink;
  private readonly partition: number;
  private readonly findings: FindingList;
  private readonly watch: Watch;
  private readonly absent: AbsentMessages;
  private readonly unmet: UnmetMessages;
  readonly missing = new MissingSegments();
  private readonly first = new FirstIndexes();
  private after: Position = BEFORE_ALL;
  /** The last entry compared, or where the range begins. */
  private compared: Position = BEFORE_ALL;
  private entries: ExpectedEntry[] = [];
  private rows = 0;
  private asked: Promise<void> = Promise.resolve();
  /** Expected messages that never met the pipeline's condition, and those of them at or below `countedTo`. */
  filtered = 0;
  filteredBelow = 0;
  private countedTo: Position = BEFORE_ALL;

  constructor(
    dependencies: Pick<ReplayDependencies, 'transport' | 'environment' | 'sink'>,
    place: { readonly topic: string; readonly partition: number; readonly batches: readonly ReadBatch[] },
    findings: FindingList,
    watch: Watch,
  ) {
    this.sink = dependencies.sink;
    this.partition = place.partition;
    this.findings = findings;
    this.watch = watch;
    this.absent = new AbsentMessages(dependencies, place, watch.deadline);
    this.unmet = new UnmetMessages(dependencies.sink, this.absent, place, watch.deadline);
  }

  /** Nothing of `(after, from]` is there to be asked about. @param countedTo what is filtered up to there is counted apart */
  begin(after: Position, from: Position, countedTo = BEFORE_ALL): void {
    this.countedTo = countedTo;
    this.compared = after;
    this.after = from;
  }

  async add(entry: ExpectedEntry): Promise<void> {
    this.entries.push(entry);
    this.rows += sizeOf(entry.indexes);
    if (this.entries.length >= ENTRIES_A_WINDOW || this.rows >= ROWS_A_WINDOW) await this.ask(entry.position);
  }

  /** `upTo` closes the range: rows between its last entry and there are foreign. */
  async end(upTo: Position): Promise<void> {
    await this.ask(upTo);
    await this.asked;
  }

  private async ask(upTo: Position): Promise<void> {
    await this.asked;
    const { partition, watch, findings, entries, rows } = this;
    const range = { partition, after: this.after, to: upTo };
    this.after = upTo;
    this.entries = [];
    this.rows = 0;
    this.asked = this.compare(range, entries).then(({ wrong, suspects }) => {
      findings.add(wrong);
      this.noteMissing(entries, wrong, suspects);
      watch.onProgress?.(partition, rows);
    });
    // Awaited by the next question or at the end; until then its failure must not count as unhandled.
    this.asked.catch(() => undefined);
  }

  /** One question where all is well; a second one, for every row's index, only where an entry's rows are not the right ones. */
  private async compare(range: RowRange, entries: readonly ExpectedEntry[]): Promise<Compared> {
    const { deadline } = this.watch;
    const found = await this.sink.countRowsByEntry(range, deadline);
    const { findings, suspects } = compareEntries(entries, found, this.first);
    const rows = suspects.length === 0 ? [] : await this.sink.indexesIn(range, deadline);
    const standing = new Map(rows.map((entry) => [formatPosition(entry.position), entry.indexes]));
    const all = [...findings, ...compareSuspects(suspects, standing)];
    const window = { segment: range, entries, standing };
    const unmet = await this.unmet.in({ ...window, findings: all });
    this.noteFiltered(unmet.counts);
    const left = { ...window, findings: withoutUnmet(all, unmet.counts) };
    const wrong = await withExpired(this.sink, this.absent, left, deadline);
    return { wrong, suspects: unmet.suspects };
  }

  private noteFiltered(unmet: ReadonlyMap<string, number>): void {
    for (const [where, count] of unmet) {
      this.filtered += count;
      if (!isAfter(parsePosition(where), this.countedTo)) this.filteredBelow += count;
    }
  }

  private noteMissing(
    entries: readonly ExpectedEntry[],
    findings: readonly Finding[],
    suspects: ReadonlySet<string>,
  ): void {
    const missing = findings.filter((finding) => finding.missing > 0).map(({ where }) => where);
    const wrong = new Set([...missing, ...suspects]);
    if (wrong.size === 0) this.missing.pass(entries.length);
    else {
      for (const [index, { position }] of entries.entries()) {
        const after = entries[index - 1]?.position ?? this.compared;
        this.missing.add({ after, to: position }, wrong.has(formatPosition(position)));
      }
    }
    this.compared = entries.at(-1)?.position ?? this.compared;
  }
}
