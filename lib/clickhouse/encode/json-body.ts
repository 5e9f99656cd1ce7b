import type { BadMessage, BatchBody, LeaveOut } from '../../ports/sink.ts';
import type { Entry } from '../../ports/transport.ts';
import { KernelSplice } from './kernel-splice.ts';
import { MessageCheck, type MessageCheckOptions } from './message-check.ts';
import { RowBuffer } from './row-buffer.ts';
import { RowOrigins } from './row-origins.ts';
import { RowPrefix } from './row-prefix.ts';
import { EVERY } from './value-rules.ts';

export interface BodyOptions extends MessageCheckOptions {
  /** @default false */
  readonly withPublishTime?: boolean;
}

const NEWLINE = 0x0a;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * JSON payloads as JSONEachRow: each one's own bytes with its first `{` replaced by the row's position. Nothing is
 * decoded.
 */
export class JsonBody implements BatchBody {
  readonly partition: number;
  readonly #check: MessageCheck;
  readonly #rows = new RowBuffer();
  readonly #prefix: RowPrefix;
  readonly #origins = new RowOrigins();

  /** @param check counts what does not become a row; bodies of one batch may share it */
  constructor(partition: number, options: BodyOptions = {}, check = new MessageCheck(options)) {
    this.partition = partition;
    this.#check = check;
    this.#prefix = new RowPrefix(options.withPublishTime ?? false);
  }

  get rows(): number {
    return this.#rows.rows;
  }

  get encodedBytes(): number {
    return this.#rows.byteLength;
  }

  get bad(): readonly BadMessage[] {
    return this.#check.bad;
  }

  get filtered(): number {
    return this.#check.filtered;
  }

  get badBytes(): number {
    return this.#check.badBytes;
  }

  add(entry: Entry, leaveOut?: LeaveOut): void {
    const { position, publishTime } = entry;
    this.#origins.beginEntry(entry);
    this.#prefix.begin(position, publishTime);
    // Where every value has to be looked at nothing is gained; and the kernel knows no messages that were given up.
    const isForKernel = entry.givenUp === undefined && this.#check.concerns !== EVERY;
    this.#addOneByOne(entry, leaveOut, isForKernel ? this.#addByKernel(entry, leaveOut) : 0);
  }

  /** Answers the first message that is left to add: 0 where the kernel does not take the entry. */
  #addByKernel(entry: Entry, leaveOut: LeaveOut | undefined): number {
    const splice = new KernelSplice(entry, this.#prefix, this.#check.concerns, leaveOut);
    for (let index = 0; index < entry.count; index++) {
      const spliced = splice.rowsFrom(index);
      if (spliced === undefined) return index;
      const { bytes, rows, words, starts, indexes, next, isObject } = spliced;
      if (rows > 0) this.#rows.append(bytes, rows, words, starts);
      this.#origins.addAll(rows, words, indexes);
      index = next;
      if (index === entry.count) break;
      const isRow = isObject ? this.#check.admitsObject(entry, index) : this.#check.admits(entry, index);
      if (isRow) this.#append(entry, index);
    }
    return entry.count;
  }

  #addOneByOne(entry: Entry, leaveOut: LeaveOut | undefined, from: number): void {
    const { count, position } = entry;
    for (let index = from; index < count; index++) {
      if (leaveOut?.(position, index) || !this.#check.admits(entry, index)) continue;
      this.#append(entry, index);
    }
  }

  /** The payload is one object. */
  #append({ data, bounds }: Entry, index: number): void {
    const start = bounds[2 * index] as number;
    const end = bounds[2 * index + 1] as number;
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
    this.#origins.add(index);
  }

  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime'> {
    return this.#origins.messageAt(row);
  }

  payloadAt(row: number): Uint8Array {
    const { position, index, publishTime } = this.messageAt(row);
    const [bytes = new Uint8Array()] = this.#rows.slices(row, row + 1);
    this.#prefix.begin(position, publishTime);
    const prefixLength = this.#prefix.write(new Uint8Array(this.#prefix.maxLength), 0, index);
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
}

function isEmptyObject(data: Uint8Array, brace: number): boolean {
  let at = brace + 1;
  while ((data[at] as number) <= 0x20) at++;
  return data[at] === CLOSING_BRACE;
}
