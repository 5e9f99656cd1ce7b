import { SelectedRows } from '../../consume/bad-rows/selected-rows.ts';
import { isAfter, type Position, parsePosition } from '../../pipeline/position.ts';
import type { BatchBody, EntryIndexes, Sink } from '../../ports/sink.ts';
import type { AbsentMessages, ComparedWindow } from './absent-messages.ts';
import type { Finding } from './findings.ts';
import type { ReadBatch } from './ledger.ts';

/** So many questions about parts of one body, in which some row is refused. What is not answered then counts as missing. */
const MOST_QUESTIONS = 64;

/** How many rows a batch lacks, and how many of those were told of. */
interface Lack {
  readonly rows: number;
  told: number;
}

/** What of a window has no row and needs none. */
export interface Unmet {
  /** How many messages they are, by the position of their entry. */
  readonly counts: ReadonlyMap<string, number>;
  /** Entries of batches of which rows are missing, and the count alone says how many: any of them may be lacking one. */
  readonly suspects: ReadonlySet<string>;
}

/**
 * Tells messages that never met the pipeline's condition from those whose rows are missing. A batch keeps the decision it was
 * stored under: where that is today's condition, ClickHouse evaluates it over the messages that have no row; where it was
 * another one, or nobody knows, the batch's own count says how many rows are missing of it.
 */
export class UnmetMessages {
  private readonly sink: Sink;
  private readonly absent: AbsentMessages;
  private readonly partition: number;
  private readonly batches: readonly ReadBatch[];
  private readonly deadline: number;
  /** What batches lack by their counts; undefined for those whose messages the condition is asked of. */
  private readonly lacks = new Map<ReadBatch, Lack | undefined>();

  constructor(
    sink: Sink,
    absent: AbsentMessages,
    place: { readonly partition: number; readonly batches: readonly ReadBatch[] },
    deadline: number,
  ) {
    this.sink = sink;
    this.absent = absent;
    this.partition = place.partition;
    this.batches = place.batches;
    this.deadline = deadline;
  }

  async in(window: ComparedWindow): Promise<Unmet> {
    const counts = new Map<string, number>();
    const suspects = new Set<string>();
    const asked = new Set<string>();
    for (const { where, missing, expired, excluded } of window.findings) {
      const gone = missing + expired + excluded;
      if (gone === 0) continue;
      const position = parsePosition(where);
      const batch = this.batches.find((each) => isIn(each, position));
      const lack = batch && (await this.lackOf(batch, window.findings));
      if (lack) {
        const told = Math.min(gone, lack.rows - lack.told);
        lack.told += told;
        counts.set(where, gone - told);
        if (lack.rows > 0) suspects.add(where);
      } else if (this.sink.condition !== undefined) asked.add(where);
    }
    if (asked.size === 0) return { counts, suspects };
    const found = await this.absent.count(window, asked, (body) => this.unmetIn(body));
    return { counts: new Map([...counts, ...found]), suspects };
  }

  private async lackOf(batch: ReadBatch, findings: readonly Finding[]): Promise<Lack | undefined> {
    const isKnown = batch.filtered !== undefined;
    const today = this.sink.condition;
    if (isKnown ? batch.condition?.hash === today : today === undefined) return undefined;
    if (this.lacks.has(batch)) return this.lacks.get(batch);
    const { after, to, rows } = batch;
    const range = { partition: this.partition, after, to };
    const { distinct } = await this.sink.countRows(range, this.deadline);
    const foreign = findings
      .filter(({ where }) => isIn(batch, parsePosition(where)))
      .reduce((sum, finding) => sum + finding.foreign, 0);
    const missing = rows - (distinct - foreign);
    // By what condition that was stored of which the ledger has the sum alone nobody knows. More rows: letters brought in since.
    const lack = !isKnown && missing < 0 ? undefined : { rows: Math.max(0, missing), told: 0 };
    this.lacks.set(batch, lack);
    return lack;
  }

  private async unmetIn(body: BatchBody): Promise<readonly EntryIndexes[]> {
    const found: EntryIndexes[] = [];
    const parts = [body];
    for (let asked = 0; asked < MOST_QUESTIONS; asked += 1) {
      const part = parts.pop();
      if (!part) break;
      const rows = await this.sink.unmet(part, this.deadline);
      for (const row of rows ?? []) {
        const { position, index } = part.messageAt(row);
        found.push({ position, indexes: [index] });
      }
      if (rows === undefined && part.rows > 1) parts.push(...halvesOf(part));
    }
    return found;
  }
}

function isIn({ after, to }: ReadBatch, position: Position): boolean {
  return isAfter(position, after) && !isAfter(position, to);
}

function halvesOf(body: BatchBody): readonly BatchBody[] {
  const rows = Array.from({ length: body.rows }, (_, row) => row);
  const middle = Math.ceil(rows.length / 2);
  return [new SelectedRows(body, rows.slice(0, middle)), new SelectedRows(body, rows.slice(middle))];
}

/** What never met the condition is expected nowhere. */
export function withoutUnmet(
  findings: readonly Finding[],
  unmet: ReadonlyMap<string, number>,
): readonly Finding[] {
  return findings.map((finding) => {
    let left = unmet.get(finding.where) ?? 0;
    if (left === 0) return finding;
    const expected = finding.expected - left;
    const less = (count: number): number => {
      const taken = Math.min(count, left);
      left -= taken;
      return count - taken;
    };
    const missing = less(finding.missing);
    const expired = less(finding.expired);
    return { ...finding, expected, missing, expired, excluded: less(finding.excluded) };
  });
}
