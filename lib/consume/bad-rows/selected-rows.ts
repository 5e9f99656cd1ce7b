import type { BadMessage, BatchBody } from '../../ports/sink.ts';

/** Some rows of a body that is complete, in its order, over the same bytes. */
export class SelectedRows implements BatchBody {
  readonly partition: number;
  readonly filtered: number;
  readonly bad: readonly BadMessage[] = [];
  readonly badBytes = 0;
  readonly encodedBytes: number;
  private readonly body: BatchBody;
  /** Ascending row numbers of `body`. */
  private readonly selected: readonly number[];

  /** @param filtered how many messages of the batch have no row and are no dead letters */
  constructor(body: BatchBody, selected: readonly number[], filtered = body.filtered) {
    this.body = body;
    this.selected = selected;
    this.partition = body.partition;
    this.filtered = filtered;
    this.encodedBytes = this.chunks().reduce((sum, chunk) => sum + chunk.length, 0);
  }

  get rows(): number {
    return this.selected.length;
  }

  add(): never {
    throw new TypeError('rows are selected from a body that is complete');
  }

  messageAt(row: number): ReturnType<BatchBody['messageAt']> {
    return this.body.messageAt(this.rowOf(row));
  }

  payloadAt(row: number): Uint8Array {
    return this.body.payloadAt(this.rowOf(row));
  }

  chunks(from = 0, to = this.rows): readonly Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (let first = from; first < to; ) {
      let last = first + 1;
      while (last < to && this.selected[last] === (this.selected[last - 1] as number) + 1) last += 1;
      chunks.push(...this.body.chunks(this.rowOf(first), this.rowOf(last - 1) + 1));
      first = last;
    }
    return chunks;
  }

  private rowOf(row: number): number {
    const selected = this.selected[row];
    if (selected === undefined) throw new RangeError(`row ${row} of a body of ${this.rows}`);
    return selected;
  }
}

/** The body without these rows, which do not meet the pipeline's condition. */
export function withoutUnmet(body: BatchBody, unmet: readonly number[]): BatchBody {
  if (unmet.length === 0) return body;
  return new SelectedRows(body, othersThan(body, new Set(unmet)), body.filtered + unmet.length);
}

/** The body without these rows. */
export function withoutRows(body: BatchBody, rows: ReadonlySet<number>): BatchBody {
  if (rows.size === 0) return body;
  return new SelectedRows(body, othersThan(body, rows));
}

function othersThan(body: BatchBody, rows: ReadonlySet<number>): readonly number[] {
  return Array.from({ length: body.rows }, (_, row) => row).filter((row) => !rows.has(row));
}
