import type { Kernel } from './kernel.ts';
import { powersOf5 } from './powers-of-5.ts';
import {
  AFTER_UNKNOWN,
  EMPTY,
  FIELD_HASHES,
  FIELDS,
  HASHES,
  IN_SLOT_AT,
  INNER_AT,
  KEY_AT,
  KEY_BYTES_AT,
  KEYS,
  KEYS_BYTES,
  KIND_AT,
  KIND_BOOL,
  KIND_DATE,
  KIND_FLOAT32,
  KIND_FLOAT64,
  KIND_FORBIDDEN,
  KIND_INT8,
  KIND_TEXT,
  KIND_TUPLE,
  MASK_AT,
  MOST_FIELDS,
  MOST_FIXED_BYTES,
  MOST_OBJECTS,
  MOST_PATTERN_BYTES,
  NEXT,
  OBJECT_AT,
  PATTERN_AT,
  PATTERN_BYTES_AT,
  PLACE_AT,
  POWERS_OF_5,
  RECORD,
  SLOT_KINDS,
  TEMPLATE,
  UNKNOWN,
  UNSIGNED,
} from './rows-layout.ts';

export type ValueKind =
  | 'text'
  | 'float64'
  | 'float32'
  | 'bool'
  | 'date'
  | `${'int' | 'uint'}${8 | 16 | 32 | 64}`;

/** What one field of the messages is read as. */
export type FieldKind =
  | { readonly kind: ValueKind; readonly isNullable: boolean }
  | { readonly kind: 'tuple'; readonly elements: readonly RowField[] };

export type RowField = { readonly name: string } & FieldKind;

/** Fields of a row in their order, behind its position: ledger, entry (Int64), index (UInt32) and, if wanted, publish time (Int64). */
export interface RowTables {
  readonly fields: readonly RowField[];
  readonly withPublishTime: boolean;
}

/** Names that are ours alone. */
const FORBIDDEN = ['_ledger', '_entry', '_index', '_publish_time'];

export const INDEX_AT = 16;
export const PUBLISH_TIME_AT = 20;

const KINDS: Readonly<Record<Exclude<ValueKind, `${string}int${string}`>, readonly [number, number]>> = {
  text: [KIND_TEXT, 0],
  float64: [KIND_FLOAT64, 8],
  float32: [KIND_FLOAT32, 4],
  bool: [KIND_BOOL, 1],
  date: [KIND_DATE, 2],
};

/** The kernel's number for it, and its bytes in a row; 0 for a text. */
function kindOf(kind: ValueKind): readonly [number: number, bytes: number] {
  const integer = /^(u?)int(\d+)$/.exec(kind);
  if (!integer) return KINDS[kind as keyof typeof KINDS];
  const bytes = Number(integer[2]) / 8;
  return [KIND_INT8 + (integer[1] === 'u' ? UNSIGNED : 0) + Math.log2(bytes), bytes];
}

/** Whether every value of it has as many bytes. */
export function isFixed(field: FieldKind): boolean {
  if (field.kind === 'tuple') return field.elements.every(isFixed);
  return field.kind !== 'text' && !field.isNullable;
}

/** Tuples within tuples that the kernel follows. */
const MOST_DEPTH = 4;
const LARGEST_VALUE = 8;

/** Whether there is room for the tables of these fields. */
export function hasRoomFor(fields: readonly RowField[]): boolean {
  const all = withElements(fields);
  const names = all.reduce((sum, { name }) => sum + Buffer.byteLength(name), 0);
  const tuples = all.filter(({ kind }) => kind === 'tuple').length;
  return (
    all.length + FORBIDDEN.length <= MOST_FIELDS &&
    all.length * LARGEST_VALUE + PUBLISH_TIME_AT + LARGEST_VALUE + 16 <= MOST_FIXED_BYTES &&
    names + 64 <= KEYS_BYTES &&
    tuples < MOST_OBJECTS - 1 &&
    fields.every((field) => depthOf(field) <= MOST_DEPTH)
  );
}

function withElements(fields: readonly RowField[]): readonly RowField[] {
  return fields.flatMap((field) =>
    field.kind === 'tuple' ? [field, ...withElements(field.elements)] : [field],
  );
}

function depthOf(field: RowField): number {
  return field.kind === 'tuple' ? 1 + Math.max(...field.elements.map(depthOf)) : 0;
}

export interface WrittenTables {
  readonly fixedBytes: number;
  readonly slots: number;
}

/**
 * Writes the tables of `rows-layout.ts` into the kernel's memory. Fields of fixed width come first.
 * @throws RangeError where they do not fit
 */
export function writeTables(kernel: Kernel, { fields, withPublishTime }: RowTables): WrittenTables {
  const writer = new TableWriter(kernel, withPublishTime ? PUBLISH_TIME_AT + 8 : PUBLISH_TIME_AT);
  for (const name of FORBIDDEN) writer.add(name, 0, KIND_FORBIDDEN);
  writer.addFields(fields, 0);
  return writer.finish();
}

let powers: Uint8Array | undefined;

class TableWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hashKey: (key: number, bytes: number, object: number) => number;
  #fields = 0;
  #objects = 1;
  #slots = 0;
  #fixedBytes: number;
  #keys = KEYS;

  constructor({ bytes, exports }: Kernel, fixedBytes: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
    this.#hashKey = exports.hashKey;
    this.#fixedBytes = fixedBytes;
    bytes.fill(0, FIELDS, FIELDS + (UNKNOWN + 1) * RECORD);
    const unknown = FIELDS + UNKNOWN * RECORD;
    bytes.fill(0xff, unknown + MASK_AT, unknown + MASK_AT + MOST_PATTERN_BYTES);
    bytes.fill(EMPTY & 0xff, FIELD_HASHES, FIELD_HASHES + 2 * HASHES);
    for (let slot = 0; slot < AFTER_UNKNOWN + MOST_OBJECTS; slot++) this.#halfword(NEXT + 2 * slot, UNKNOWN);
    powers ??= new Uint8Array(powersOf5().buffer);
    bytes.set(powers, POWERS_OF_5);
    bytes.fill(0, TEMPLATE, TEMPLATE + MOST_FIXED_BYTES);
  }

  addFields(fields: readonly RowField[], object: number): void {
    for (const field of fields) {
      if (field.kind === 'tuple') this.#addTuple(field, object);
      else this.#addValue(field, object);
    }
  }

  #addTuple({ name, elements }: RowField & { readonly kind: 'tuple' }, object: number): void {
    const record = this.add(name, object, KIND_TUPLE);
    const inner = this.#objects++;
    if (inner >= MOST_OBJECTS) throw new RangeError('too many tuples');
    this.#view.setUint32(record + INNER_AT, inner, true);
    this.addFields(elements, inner);
  }

  #addValue(field: RowField & { readonly kind: ValueKind }, object: number): void {
    const [kind, bytes] = kindOf(field.kind);
    const record = this.add(field.name, object, kind);
    // Behind the first slot everything is one: a row is written from its beginning to its end.
    if (isFixed(field) && this.#slots === 0) {
      this.#view.setUint32(record + PLACE_AT, this.#fixedBytes, true);
      this.#fixedBytes += bytes;
      return;
    }
    this.#bytes[record + IN_SLOT_AT] = 1;
    this.#view.setUint32(record + PLACE_AT, this.#slots, true);
    this.#bytes.set([bytes, field.isNullable ? 1 : 0], SLOT_KINDS + 2 * this.#slots);
    this.#slots += 1;
  }

  /** Answers the address of the field's record. */
  add(name: string, object: number, kind: number): number {
    const key = Buffer.from(name);
    if (this.#fields >= MOST_FIELDS || this.#keys + key.length > KEYS + KEYS_BYTES - 16)
      throw new RangeError('too many fields');
    const field = this.#fields++;
    const record = FIELDS + field * RECORD;
    this.#bytes[record + KIND_AT] = kind;
    this.#bytes.set(key, this.#keys);
    this.#view.setUint32(record + KEY_AT, this.#keys, true);
    this.#view.setUint32(record + KEY_BYTES_AT, key.length, true);
    this.#view.setUint32(record + OBJECT_AT, object, true);
    this.#writePattern(record, name);
    let hash = this.#hashKey(this.#keys, key.length, object);
    while (this.#view.getUint16(FIELD_HASHES + 2 * hash, true) !== EMPTY) hash = (hash + 1) % HASHES;
    this.#halfword(FIELD_HASHES + 2 * hash, field);
    this.#keys += key.length;
    return record;
  }

  finish(): WrittenTables {
    if (this.#fixedBytes > MOST_FIXED_BYTES - 16) throw new RangeError('too many fields of fixed width');
    return { fixedBytes: this.#fixedBytes, slots: this.#slots };
  }

  /** A key that is escaped in JSON, or a long one, is only found by its hash. */
  #writePattern(record: number, name: string): void {
    const pattern = Buffer.from(`${JSON.stringify(name)}:`);
    const isUsable = pattern.length === Buffer.byteLength(name) + 3 && pattern.length <= MOST_PATTERN_BYTES;
    if (!isUsable) {
      this.#bytes.fill(0xff, record + MASK_AT, record + MASK_AT + MOST_PATTERN_BYTES);
      return;
    }
    this.#view.setUint32(record + PATTERN_BYTES_AT, pattern.length, true);
    this.#bytes.set(pattern, record + PATTERN_AT);
    this.#bytes.fill(0xff, record + MASK_AT, record + MASK_AT + pattern.length);
  }

  #halfword(at: number, value: number): void {
    this.#view.setUint16(at, value, true);
  }
}
