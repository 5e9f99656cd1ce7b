import {
  BEFORE_ALL,
  formatPosition,
  isAfter,
  isSamePosition,
  laterOf,
  type Position,
} from '../../pipeline/position.ts';
import type { Sink } from '../../ports/sink.ts';
import type { ReplayDependencies, Watch } from '../dependencies.ts';
import { type Absences, absenceOf } from './absence.ts';
import { compareEntries, type ExpectedEntry, type Finding, FindingList } from './findings.ts';
import { checkForgotten, cutBatch, type Forgotten } from './forgotten.ts';
import { knownDeadLetters } from './known-dead-letters.ts';
import type { ReadBatch } from './ledger.ts';
import { type MissingSegment, MissingSegments } from './missing-segments.ts';
import { knownEntry, readRange } from './read-range.ts';
import type { Segment } from './segments.ts';
import { SparedSegments } from './spared-segments.ts';

export interface VerifyRequest {
  readonly partition: number;
  readonly topic: string;
  readonly after: Position;
  readonly to: Position;
  /** The ledger's batches that touch the range, in order. */
  readonly batches: readonly ReadBatch[];
  /** Those whose dead letters count. */
  readonly deadLetterBatches: readonly ReadBatch[];
  /** Whose rows may rightly be gone. */
  readonly absences: Absences;
}

export interface VerifyResult {
  readonly partition: number;
  readonly after: Position;
  readonly to: Position;
  /** Read from Pulsar. */
  readonly entries: number;
  readonly messages: number;
  readonly bytes: number;
  readonly deadLetters: number;
  /** Rows the range must have. */
  readonly expected: number;
  readonly missing: number;
  /** Gone rightly: by the table's TTL, by a recorded deletion. */
  readonly expired: number;
  readonly excluded: number;
  readonly doubled: number;
  readonly foreign: number;
  /** Where everything may rightly be gone, of what Pulsar has: a replay leaves it alone. */
  readonly spared: readonly Segment[];
  /** There are more such stretches than `spared` holds. */
  readonly sparedTooMany: boolean;
  /** Entries or batches with a finding, and the first of them. */
  readonly findingCount: number;
  readonly findings: readonly Finding[];
  /** Where rows are missing whose messages Pulsar has: what a repair has to go through. */
  readonly missingIn: readonly MissingSegment[];
  readonly forgotten: Forgotten | undefined;
  /** Above it nothing was compared: `to`, unless the call was stopped. */
  readonly upTo: Position;
}

/** Bounds of one question: entries listed in an answer, rows counted in the server. */
const ENTRIES_A_WINDOW = 20_000;
const ROWS_A_WINDOW = 250_000;

/** Compares what Pulsar has in `(after, to]` with the table, entry by entry. Reads only; moves nothing. */
export async function verifyRange(
  dependencies: ReplayDependencies,
  request: VerifyRequest,
  watch: Watch,
): Promise<VerifyResult> {
  const { transport, environment, objects, sink } = dependencies;
  const { partition, after, to, batches } = request;
  const deadLetters = await knownDeadLetters(objects, request.deadLetterBatches, watch.deadline);
  const findings = new FindingList();
  const windows = new WindowQuestions(sink, partition, findings, watch);
  const totals = { entries: 0, messages: 0, bytes: 0, deadLetters: 0, expected: 0 };
  const readOfCut = { rows: 0, messages: 0 };
  let pulsarBegins = to;
  let cut: ReadBatch | undefined;
  let upTo = to;
  const spared = new SparedSegments(after);

  const range = { ...request, known: knownEntry(batches) };
  for await (const entry of readRange(transport, environment, range, watch.deadline)) {
    if (totals.entries === 0) {
      const { ledger, entry: first } = entry.firstPosition;
      pulsarBegins = laterOf(after, { ledger, entry: first - 1 });
      cut = cutBatch(batches, pulsarBegins);
      windows.begin(after, pulsarBegins);
    }
    const lettersHere = deadLetters.get(formatPosition(entry.position))?.size ?? 0;
    const rows = entry.messages - lettersHere;
    totals.entries += 1;
    totals.messages += entry.messages;
    totals.bytes += entry.data.byteLength;
    totals.deadLetters += lettersHere;
    totals.expected += rows;
    if (cut && !isAfter(entry.position, cut.to)) {
      readOfCut.rows += rows;
      readOfCut.messages += entry.messages;
    }
    const absence = absenceOf(request.absences, entry);
    spared.add(entry.position, absence !== undefined);
    await windows.add({ position: entry.position, rows, absence });
    // Not within the batch that Pulsar's memory begins in: half read, nothing could be said of what lies below.
    const canEnd = !cut || !isAfter(cut.to, entry.position);
    if (watch.stop?.aborted && canEnd && !isSamePosition(entry.position, to)) {
      upTo = entry.position;
      break;
    }
  }
  if (totals.entries > 0) await windows.end(upTo);
  const below = await checkForgotten(
    sink,
    { partition, after, upTo: pulsarBegins, batches, readOfCut, absences: request.absences },
    watch.deadline,
  );
  findings.add(below.findings);
  return {
    partition,
    after,
    to,
    ...totals,
    expected: totals.expected + (below.forgotten?.expected ?? 0),
    missing: findings.missing,
    expired: findings.expired,
    excluded: findings.excluded,
    doubled: findings.doubled,
    foreign: findings.foreign,
    spared: spared.segments,
    sparedTooMany: spared.tooMany,
    findingCount: findings.count,
    findings: findings.first,
    missingIn: windows.missing.found,
    forgotten: below.forgotten,
    upTo,
  };
}

/** Collects entries into windows and asks the table about one while the next is being read. */
class WindowQuestions {
  private readonly sink: Sink;
  private readonly partition: number;
  private readonly findings: FindingList;
  private readonly watch: Watch;
  readonly missing = new MissingSegments();
  private after: Position = BEFORE_ALL;
  /** The last entry compared, or where the range begins. */
  private compared: Position = BEFORE_ALL;
  private entries: ExpectedEntry[] = [];
  private rows = 0;
  private asked: Promise<void> = Promise.resolve();

  constructor(sink: Sink, partition: number, findings: FindingList, watch: Watch) {
    this.sink = sink;
    this.partition = partition;
    this.findings = findings;
    this.watch = watch;
  }

  /** Nothing of `(after, from]` is there to be asked about. */
  begin(after: Position, from: Position): void {
    this.compared = after;
    this.after = from;
  }

  async add(entry: ExpectedEntry): Promise<void> {
    this.entries.push(entry);
    this.rows += entry.rows;
    if (this.entries.length >= ENTRIES_A_WINDOW || this.rows >= ROWS_A_WINDOW) await this.ask(entry.position);
  }

  /** `upTo` closes the range: rows between its last entry and there are foreign. */
  async end(upTo: Position): Promise<void> {
    await this.ask(upTo);
    await this.asked;
  }

  private async ask(upTo: Position): Promise<void> {
    await this.asked;
    const { sink, partition, watch, findings, entries, rows } = this;
    const range = { partition, after: this.after, to: upTo };
    this.after = upTo;
    this.entries = [];
    this.rows = 0;
    this.asked = sink.countRowsByEntry(range, watch.deadline).then((found) => {
      const wrong = compareEntries(entries, found);
      findings.add(wrong);
      this.noteMissing(entries, wrong);
      watch.onProgress?.(partition, rows);
    });
    // Awaited by the next question or at the end; until then its failure must not count as unhandled.
    this.asked.catch(() => undefined);
  }

  private noteMissing(entries: readonly ExpectedEntry[], findings: readonly Finding[]): void {
    const wrong = new Set(findings.filter(({ missing }) => missing > 0).map(({ where }) => where));
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
