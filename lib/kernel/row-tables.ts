import {
  type ContainerKind,
  type EnumElement,
  FORBIDDEN,
  formOf,
  growthOf,
  isContainer,
  isFixed,
  isNullable,
  numberOf,
  PUBLISH_TIME_AT,
  type RowField,
  type RowTables,
  type ScalarKind,
} from './field-kinds.ts';
import type { Kernel } from './kernel.ts';
import { powersOf5 } from './powers-of-5.ts';
import {
  AFTER_UNKNOWN,
  ELEMENT_AT,
  ELEMENTS_AT,
  EMPTY,
  FIELD_HASHES,
  FIELDS,
  HASHES,
  IN_SLOT_AT,
  INNER_AT,
  IS_NULLABLE_AT,
  IS_UTC_AT,
  KEY_AT,
  KEY_BYTES_AT,
  KEYS,
  KEYS_BYTES,
  KIND_AT,
  KIND_ENUM,
  KIND_FORBIDDEN,
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
  PRECISION_AT,
  RECORD,
  SCALE_AT,
  SLOT_BYTES,
  SLOT_FORM_AT,
  SLOT_IS_NULLABLE_AT,
  SLOT_KIND_BYTES,
  SLOT_KINDS,
  SLOT_TEMPLATE,
  SLOT_VALUE_AT,
  TEMPLATE,
  UNKNOWN,
  WIDTH_AT,
} from './rows-layout.ts';

export const INDEX_AT = 16;

export interface WrittenTables {
  readonly fixedBytes: number;
  readonly slots: number;
  /** What the slots take at most beside what their texts have in JSON. */
  readonly slotBytes: number;
  /** How many times as long as in JSON Arrays and Maps are at most; 0 where there are none. */
  readonly growth: number;
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

/** A text's length and what tells NULL from a value, at most. */
const SLOT_OVERHEAD = 6;

class TableWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #hashKey: (key: number, bytes: number, object: number) => number;
  #fields = 0;
  #objects = 1;
  #enums = MOST_OBJECTS;
  #slots = 0;
  #slotBytes = 0;
  #growth = 0;
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
    bytes.fill(0, SLOT_TEMPLATE, SLOT_TEMPLATE + MOST_FIELDS * SLOT_BYTES);
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

  #addValue(field: RowField & (ScalarKind | ContainerKind), object: number): void {
    const [kind, bytes] = numberOf(field);
    const record = this.add(field.name, object, kind);
    this.#describe(record, field, bytes);
    // Behind the first slot everything is one: a row is written from its beginning to its end.
    if (isFixed(field) && this.#slots === 0) {
      this.#view.setUint32(record + PLACE_AT, this.#fixedBytes, true);
      this.#writeDefault(field, TEMPLATE + this.#fixedBytes);
      this.#fixedBytes += bytes;
      return;
    }
    const slot = this.#slots++;
    this.#bytes[record + IN_SLOT_AT] = 1;
    this.#view.setUint32(record + PLACE_AT, slot, true);
    const slotKind = SLOT_KINDS + slot * SLOT_KIND_BYTES;
    this.#view.setUint32(slotKind, bytes, true);
    this.#bytes[slotKind + SLOT_IS_NULLABLE_AT] = isNullable(field) ? 1 : 0;
    this.#bytes[slotKind + SLOT_FORM_AT] = formOf(field);
    this.#writeDefault(field, SLOT_TEMPLATE + slot * SLOT_BYTES + SLOT_VALUE_AT);
    this.#slotBytes += SLOT_OVERHEAD + bytes;
    if (isContainer(field)) this.#growth = Math.max(this.#growth, growthOf(field));
  }

  /** What the kernel has to know of the type beside its kind. */
  #describe(record: number, field: ScalarKind | ContainerKind, bytes: number): void {
    const write = (at: number, value: number): void => this.#view.setInt32(record + at, value, true);
    write(WIDTH_AT, bytes);
    write(IS_NULLABLE_AT, isNullable(field) ? 1 : 0);
    if (isContainer(field)) write(ELEMENT_AT, this.#addElement(field.of));
    if (field.kind === 'enum') write(ELEMENTS_AT, this.#addEnum(field.elements));
    if (field.kind === 'decimal' || field.kind === 'dateTime64') write(SCALE_AT, field.scale);
    if (field.kind === 'decimal') write(PRECISION_AT, field.precision);
    if (field.kind === 'dateTime' || field.kind === 'dateTime64') write(IS_UTC_AT, field.isUtc ? 1 : 0);
  }

  /** How the elements of an Array or Map are read: a record that no key leads to. Answers its number. */
  #addElement(of: ScalarKind | ContainerKind): number {
    const [kind, bytes] = numberOf(of);
    const record = this.#newRecord(kind);
    this.#describe(record, of, bytes);
    return (record - FIELDS) / RECORD;
  }

  /** The elements' names are keys of an object that no message has. Answers its number. */
  #addEnum(elements: readonly EnumElement[]): number {
    const object = this.#enums++;
    for (const { name, number } of elements)
      this.#view.setInt32(this.add(name, object, KIND_ENUM) + PLACE_AT, number, true);
    return object;
  }

  /** An Enum's is its first element; everything else begins with zeros. */
  #writeDefault(field: ScalarKind | ContainerKind, at: number): void {
    if (field.kind !== 'enum') return;
    const number = Math.min(...field.elements.map((element) => element.number));
    if (field.bytes === 1) this.#view.setInt8(at, number);
    else this.#view.setInt16(at, number, true);
  }

  #newRecord(kind: number): number {
    if (this.#fields >= MOST_FIELDS) throw new RangeError('too many fields');
    const record = FIELDS + this.#fields++ * RECORD;
    this.#bytes[record + KIND_AT] = kind;
    return record;
  }

  /** Answers the address of the field's record. */
  add(name: string, object: number, kind: number): number {
    const key = Buffer.from(name);
    if (this.#keys + key.length > KEYS + KEYS_BYTES - 16) throw new RangeError('too many fields');
    const record = this.#newRecord(kind);
    this.#bytes.set(key, this.#keys);
    this.#view.setUint32(record + KEY_AT, this.#keys, true);
    this.#view.setUint32(record + KEY_BYTES_AT, key.length, true);
    this.#view.setUint32(record + OBJECT_AT, object, true);
    this.#writePattern(record, name);
    let hash = this.#hashKey(this.#keys, key.length, object);
    while (this.#view.getUint16(FIELD_HASHES + 2 * hash, true) !== EMPTY) hash = (hash + 1) % HASHES;
    this.#halfword(FIELD_HASHES + 2 * hash, (record - FIELDS) / RECORD);
    this.#keys += key.length;
    return record;
  }

  finish(): WrittenTables {
    if (this.#fixedBytes > MOST_FIXED_BYTES - 16) throw new RangeError('too many fields of fixed width');
    return {
      fixedBytes: this.#fixedBytes,
      slots: this.#slots,
      slotBytes: this.#slotBytes,
      growth: this.#growth,
    };
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
