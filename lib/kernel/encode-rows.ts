import { PUBLISH_TIME_AT, type RowTables } from './field-kinds.ts';
import type { Kernel, Residing } from './kernel.ts';
import { ANSWERS, SLACK } from './layout.ts';
import { INDEX_AT, type WrittenTables, writeTables } from './row-tables.ts';
import { TEMPLATE } from './rows-layout.ts';

/** A message's verdict. */
export const ROW = 0;
export const UNUSUAL = 1;
export const SKIPPED = 2;

export interface RowPosition {
  readonly ledger: number;
  readonly entry: number;
  /** Milliseconds since the epoch. */
  readonly publishTime: number;
}

export interface KernelRows {
  /** The rows, in RowBinary; the caller's own. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** One of `ROW`, `UNUSUAL` and `SKIPPED` a message; void with the next call. */
  readonly verdicts: Uint8Array;
}

/** More memory than this is not taken for the rows of one entry, bytes. */
const LARGEST_WORK = 256 * 1024 * 1024;

const written = new WeakMap<RowTables, WrittenTables>();

/**
 * Makes rows of the messages of an entry.
 * @param leaveOut 1 for each message to skip
 * @returns undefined where the kernel does not take the entry
 */
export function encodeRows(
  kernel: Kernel,
  tables: RowTables,
  entry: Residing,
  position: RowPosition,
  leaveOut?: Uint8Array,
): KernelRows | undefined {
  const placed = kernel.reside(entry);
  if (placed === undefined) return undefined;
  const { bounds, count, data, dataBytes, verdicts } = placed;
  const { fixedBytes, slots, slotBytes, growth } = tablesIn(kernel, tables);
  const containers = growth * dataBytes + SLACK;
  const room = count * (fixedBytes + slotBytes) + dataBytes + containers;
  if (room + dataBytes + containers > LARGEST_WORK) return undefined;
  const out = kernel.work(room + dataBytes + containers);
  writePosition(kernel, tables, position);
  if (leaveOut) kernel.bytes.set(leaveOut, verdicts);
  else kernel.bytes.fill(0, verdicts, verdicts + count);
  const scratch = out + room;
  const { exports } = kernel;
  const elements = scratch + dataBytes + SLACK;
  const end = exports.encodeRows(
    ...([data, bounds, count, verdicts, fixedBytes, INDEX_AT, slots, scratch, elements, out] as const),
  );
  return {
    bytes: copied(kernel.bytes.subarray(out, end)),
    rows: kernel.words[ANSWERS / 4] as number,
    verdicts: kernel.bytes.subarray(verdicts, verdicts + count),
  };
}

function copied(bytes: Uint8Array): Uint8Array {
  // Small ones from Node's pool: a topic that is not batched has one a message, and their memory is soon free.
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

function tablesIn(kernel: Kernel, tables: RowTables): WrittenTables {
  const known = written.get(tables);
  if (known && kernel.rowsOf === tables) return known;
  const made = writeTables(kernel, tables);
  kernel.rowsOf = tables;
  written.set(tables, made);
  return made;
}

function writePosition({ words }: Kernel, { withPublishTime }: RowTables, position: RowPosition): void {
  writeInt64(words, TEMPLATE, position.ledger);
  writeInt64(words, TEMPLATE + 8, position.entry);
  if (withPublishTime) writeInt64(words, TEMPLATE + PUBLISH_TIME_AT, position.publishTime);
}

/** A safe integer, little-endian as the memory is. No BigInt: one would be made for every entry. */
function writeInt64(words: Int32Array, at: number, value: number): void {
  words[at / 4] = value % 0x1_0000_0000;
  words[at / 4 + 1] = Math.floor(value / 0x1_0000_0000);
}
