import type { BadMessage, BatchBody, LeaveOut } from '../../ports/sink.ts';
import type { Entry } from '../../ports/transport.ts';
import { ByteChunks } from './byte-chunks.ts';
import { type BodyOptions, JsonBody } from './json-body.ts';
import { isRow, KeptEntries } from './kept-entries.ts';
import { MessageCheck } from './message-check.ts';
import { type RowEncoder, VERDICT } from './row-encoder.ts';

/**
 * Unusual rows travel inside the statement. Measured: up to a fifth of the rows that is cheaper for the server than to
 * send all as JSON; their bytes are in the server's memory several times while it parses the statement.
 */
const MOST_UNUSUAL = 0.2;
const MOST_UNUSUAL_BYTES = 8 * 1024 * 1024;
/** So few are sent in any case. */
const FEW = 100;

/** The most that a row's position adds to the message in JSON. */
const POSITION_BYTES = 128;

/** One insert's rows as RowBinary, with the few that only the server itself can read. */
export interface BinaryRows {
  /** Rows of RowBinary; at least one. */
  readonly rows: number;
  readonly chunks: readonly Uint8Array[];
  readonly unusualRows: number;
  /** Lines of JSONEachRow. */
  readonly unusual: readonly Uint8Array[];
  /** The number in the body of the n-th row of RowBinary (all from 0); undefined where there is no such row. */
  rowOfEncoded(row: number): number | undefined;
  /** The same of the n-th unusual row. */
  rowOfUnusual(row: number): number | undefined;
}

/**
 * Messages as RowBinary, and those that the encoder does not vouch for as JSON beside them. The entries are kept: whoever
 * asks for the rows as JSON gets them, in the order in which a `JsonBody` has them, and from then on the body is one.
 */
export class BinaryBody implements BatchBody {
  readonly partition: number;
  readonly #encoder: RowEncoder;
  readonly #options: BodyOptions;
  readonly #check: MessageCheck;
  readonly #kept = new KeptEntries();
  #encoded = new ByteChunks();
  #unusual: JsonBody;
  /** Each unusual row's number in the body. */
  #unusualRows: number[] = [];
  /** The most bytes that the rows take as JSON. */
  #jsonBytes = 0;
  /** All rows, from when the body is JSON. */
  #json: JsonBody | undefined;

  constructor(partition: number, encoder: RowEncoder, options: BodyOptions = {}) {
    this.partition = partition;
    this.#encoder = encoder;
    this.#options = options;
    this.#check = new MessageCheck(options);
    this.#unusual = this.#newJson();
  }

  get rows(): number {
    return this.#json?.rows ?? this.#kept.rows;
  }

  /** What it takes in memory or would take as JSON, whichever is more: a batch must be one block in either form. */
  get encodedBytes(): number {
    if (this.#json) return this.#json.encodedBytes;
    const held = this.#kept.byteLength + this.#encoded.byteLength + this.#unusual.encodedBytes;
    return Math.max(held, this.#jsonBytes);
  }

  get bad(): readonly BadMessage[] {
    return this.#check.bad;
  }

  get badBytes(): number {
    return this.#check.badBytes;
  }

  get filtered(): number {
    return this.#check.filtered;
  }

  add(entry: Entry, leaveOut?: LeaveOut): void {
    if (this.#json) {
      this.#json.add(entry, leaveOut);
      return;
    }
    const { bytes, rows, verdicts } = this.#encoder.encode(entry, skippedOf(entry, leaveOut));
    this.#encoded.append(bytes);
    if (rows === entry.count) this.#kept.add({ entry, rows, verdicts: undefined });
    else this.#addLookedAt(entry, rows, verdicts.slice(), leaveOut);
    this.#jsonBytes += entry.dataBytes + entry.count * POSITION_BYTES;
    if (this.#isTooUnusual()) this.#becomeJson();
  }

  /** The rows as RowBinary; undefined where there are none, or all are JSON by now. */
  binary(): BinaryRows | undefined {
    if (this.#json || this.#encoded.byteLength === 0) return undefined;
    const unusualRows = this.#unusualRows;
    return {
      rows: this.rows - unusualRows.length,
      chunks: this.#encoded.chunks(),
      unusualRows: unusualRows.length,
      unusual: this.#unusual.chunks(),
      rowOfEncoded: (row) => encodedRow(row, unusualRows, this.rows),
      rowOfUnusual: (row) => unusualRows[row],
    };
  }

  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime'> {
    return this.#json ? this.#json.messageAt(row) : this.#kept.messageAt(row);
  }

  payloadAt(row: number): Uint8Array {
    return this.#becomeJson().payloadAt(row);
  }

  /** As JSONEachRow. */
  chunks(from?: number, to?: number): readonly Uint8Array[] {
    return this.#becomeJson().chunks(from, to);
  }

  /** @param verdicts what is skipped but was never looked at may still become a bad message */
  #addLookedAt(entry: Entry, encoded: number, verdicts: Uint8Array, leaveOut: LeaveOut | undefined): void {
    const first = this.#unusual.rows;
    this.#unusual.add(
      entry,
      (position, index) => verdicts[index] === VERDICT.row || leaveOut?.(position, index) === true,
    );
    const rows = encoded + this.#unusual.rows - first;
    let unusual = first;
    let row = this.#kept.rows;
    for (let index = 0; index < verdicts.length; index++) {
      if (verdicts[index] !== VERDICT.row) {
        const isUnusual = unusual < this.#unusual.rows && this.#unusual.messageAt(unusual).index === index;
        verdicts[index] = isUnusual ? VERDICT.unusual : VERDICT.skipped;
        if (!isUnusual) continue;
        this.#unusualRows.push(row);
        unusual++;
      }
      row++;
    }
    this.#kept.add({ entry, rows, verdicts });
  }

  #isTooUnusual(): boolean {
    const { length } = this.#unusualRows;
    return (
      this.#unusual.encodedBytes > MOST_UNUSUAL_BYTES || (length > FEW && length > MOST_UNUSUAL * this.rows)
    );
  }

  #becomeJson(): JsonBody {
    if (this.#json) return this.#json;
    const json = this.#newJson();
    this.#encoded = new ByteChunks();
    this.#unusual = json;
    this.#unusualRows = [];
    this.#kept.release(({ entry, verdicts }) => json.add(entry, (_, index) => !isRow(verdicts, index)));
    this.#json = json;
    return json;
  }

  #newJson(): JsonBody {
    return new JsonBody(this.partition, this.#options, this.#check);
  }
}

/** What the encoder must not look at: left out, or known to be no whole message. */
function skippedOf(entry: Entry, leaveOut: LeaveOut | undefined): Uint8Array | undefined {
  const { count, givenUp, position } = entry;
  if (leaveOut === undefined && givenUp === undefined) return undefined;
  return Uint8Array.from({ length: count }, (_, index) =>
    givenUp?.has(index) || leaveOut?.(position, index) ? 1 : 0,
  );
}

/** @param unusual ascending */
function encodedRow(row: number, unusual: readonly number[], rows: number): number | undefined {
  let found = row;
  for (const other of unusual) {
    if (other > found) break;
    found++;
  }
  return found < rows ? found : undefined;
}
