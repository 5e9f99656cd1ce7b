import type { NullValues } from '../../pipeline/pipeline.ts';
import type { Position } from '../../pipeline/position.ts';
import type { BadMessage, BatchBody, LeaveOut } from '../../ports/sink.ts';
import { COMPACTED_AWAY, type Entry, isWithoutValue } from '../../ports/transport.ts';
import { FrameCheck } from './frame-check.ts';
import { recognise } from './recognise.ts';
import { RowBuffer } from './row-buffer.ts';
import { RowPrefix } from './row-prefix.ts';
import type { ValueCheck } from './value-check.ts';

export interface BodyOptions {
  /** @default false */
  readonly withPublishTime?: boolean;
  /** @default skip */
  readonly nullValues?: NullValues;
  /** Values that must not be stored as the server reads them. @default none is looked for */
  readonly values?: ValueCheck | undefined;
}

const NEWLINE = 0x0a;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** Measured: what a bad message takes beside its payload. */
const BAD_MESSAGE_BYTES = 512;

const NO_VALUE = 'is null or empty (a tombstone); source.nullValues: skip leaves such messages out';

interface EntryRows {
  readonly position: Position;
  readonly publishTime: number;
  readonly firstRow: number;
}

/**
 * JSON payloads as JSONEachRow: each one's own bytes with its first `{` replaced by the row's position. Nothing is
 * decoded; a payload that is not exactly one object, or holds a value that would change silently, becomes a bad message
 * instead of a row.
 */
export class JsonBody implements BatchBody {
  readonly partition: number;
  readonly #bad: BadMessage[] = [];
  readonly #check = new FrameCheck();
  #badBytes = 0;
  #filtered = 0;
  readonly #nullValues: NullValues;
  readonly #values: ValueCheck | undefined;
  readonly #rows = new RowBuffer();
  readonly #prefix: RowPrefix;
  readonly #entries: EntryRows[] = [];
  /** Each row's message index within its entry. */
  readonly #indexes: number[] = [];

  constructor(partition: number, { withPublishTime = false, nullValues = 'skip', values }: BodyOptions = {}) {
    this.partition = partition;
    this.#nullValues = nullValues;
    this.#values = values;
    this.#prefix = new RowPrefix(withPublishTime);
  }

  get rows(): number {
    return this.#rows.rows;
  }

  get encodedBytes(): number {
    return this.#rows.byteLength;
  }

  get bad(): readonly BadMessage[] {
    return this.#bad;
  }

  get filtered(): number {
    return this.#filtered;
  }

  get badBytes(): number {
    return this.#badBytes;
  }

  add(entry: Entry, leaveOut?: LeaveOut): void {
    const { bounds, count, data, position, publishTime } = entry;
    this.#entries.push({ position, publishTime, firstRow: this.rows });
    this.#prefix.begin(position, publishTime);
    for (let index = 0; index < count; index++) {
      const start = bounds[2 * index] as number;
      const end = bounds[2 * index + 1] as number;
      if ((start < 0 && end === COMPACTED_AWAY) || leaveOut?.(position, index)) continue;
      const givenUp = entry.givenUp?.get(index);
      if (givenUp !== undefined) {
        this.#refuse(entry, index, givenUp);
        continue;
      }
      if (isWithoutValue(entry, index)) {
        if (this.#nullValues === 'skip') this.#filtered += 1;
        else this.#refuse(entry, index, NO_VALUE);
        continue;
      }
      const fault = this.#check.fault(data, start, end);
      if (fault !== undefined) {
        this.#refuse(entry, index, recognise(data, start, end, fault));
        continue;
      }
      const change = this.#changeIn(data, start, end);
      if (change === undefined) this.#append(data, start, end, index);
      else this.#refuse(entry, index, change);
    }
  }

  #changeIn(data: Uint8Array, start: number, end: number): string | undefined {
    if (!this.#values?.concerns(this.#check.seen)) return undefined;
    return this.#values.fault(data, start, end);
  }

  #refuse(entry: Entry, index: number, reason: string): void {
    const { data, position, publishTime, bounds } = entry;
    const start = bounds[2 * index] as number;
    const end = bounds[2 * index + 1] as number;
    // A Buffer's own `slice` is a view, which would keep the whole entry in memory.
    const payload = start < 0 ? new Uint8Array() : Uint8Array.prototype.slice.call(data, start, end);
    this.#badBytes += payload.byteLength + BAD_MESSAGE_BYTES;
    this.#bad.push({
      position,
      index,
      publishTime,
      reason: `payload ${reason}`,
      payload,
      metadata: entry.metadata(index),
    });
  }

  /** `[start, end)` is framed as one object. */
  #append(data: Uint8Array, start: number, end: number, index: number): void {
    let brace = start;
    while (data[brace] !== OPENING_BRACE) brace++;
    const chunk = this.#rows.reserve(end - start + this.#prefix.maxLength + 2);
    const { bytes } = chunk;
    let at = this.#prefix.write(bytes, chunk.used, index);
    if (!isEmptyObject(data, brace)) bytes[at++] = COMMA;
    bytes.set(data.subarray(brace + 1, end), at);
    at += end - brace - 1;
    bytes[at++] = NEWLINE;
    this.#rows.commit(chunk, at);
    this.#indexes.push(index);
  }

  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime'> {
    const { position, publishTime } = this.#entryOf(row);
    return { position, index: this.#indexes[row] as number, publishTime };
  }

  payloadAt(row: number): Uint8Array {
    const { position, publishTime } = this.#entryOf(row);
    const [bytes = new Uint8Array()] = this.#rows.slices(row, row + 1);
    this.#prefix.begin(position, publishTime);
    const prefixLength = this.#prefix.write(
      new Uint8Array(this.#prefix.maxLength),
      0,
      this.#indexes[row] as number,
    );
    // The comma is ours: behind the brace of an empty object stands none.
    const from = bytes[prefixLength] === COMMA ? prefixLength + 1 : prefixLength;
    const payload = new Uint8Array(bytes.length - from);
    payload[0] = OPENING_BRACE;
    payload.set(bytes.subarray(from, bytes.length - 1), 1);
    return payload;
  }

  chunks(from = 0, to = this.rows): readonly Uint8Array[] {
    return this.#rows.slices(from, to);
  }

  /** The last entry that begins at or before the row and has rows. */
  #entryOf(row: number): EntryRows {
    if (!(row >= 0 && row < this.rows)) throw new RangeError(`row ${row} of a body of ${this.rows}`);
    let low = 0;
    let high = this.#entries.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#entries[middle] as EntryRows).firstRow <= row) low = middle;
      else high = middle - 1;
    }
    return this.#entries[low] as EntryRows;
  }
}

function isEmptyObject(data: Uint8Array, brace: number): boolean {
  let at = brace + 1;
  while ((data[at] as number) <= 0x20) at++;
  return data[at] === CLOSING_BRACE;
}
