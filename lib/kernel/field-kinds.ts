import {
  FORM_ENCODED,
  FORM_FIXED_TEXT,
  FORM_TEXT,
  FORM_VALUE,
  KEYS_BYTES,
  KIND_ARRAY,
  KIND_BOOL,
  KIND_DATE,
  KIND_DATE32,
  KIND_DATETIME,
  KIND_DATETIME64,
  KIND_DECIMAL,
  KIND_ENUM,
  KIND_FIXED_TEXT,
  KIND_FLOAT32,
  KIND_FLOAT64,
  KIND_INT8,
  KIND_IPV4,
  KIND_IPV6,
  KIND_MAP,
  KIND_TEXT,
  KIND_UUID,
  MOST_FIELDS,
  MOST_FIXED_BYTES,
  MOST_OBJECTS,
  UNSIGNED,
} from './rows-layout.ts';

/** Types that a name is enough for. */
export type ValueKind =
  | 'text'
  | 'float64'
  | 'float32'
  | 'bool'
  | 'date'
  | 'date32'
  | 'uuid'
  | 'ipv4'
  | 'ipv6'
  | `${'int' | 'uint'}${8 | 16 | 32 | 64}`;

interface MayBeNull {
  readonly isNullable: boolean;
}

/** Where a text has no zone, it is unusual unless the type says UTC. */
type TimeKind = ({ readonly kind: 'dateTime' } | { readonly kind: 'dateTime64'; readonly scale: number }) & {
  readonly isUtc: boolean;
};

export type ScalarKind = MayBeNull &
  (
    | { readonly kind: ValueKind }
    | TimeKind
    | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
    | { readonly kind: 'fixedText'; readonly bytes: number }
    | { readonly kind: 'enum'; readonly bytes: 1 | 2; readonly elements: readonly EnumElement[] }
  );

export interface EnumElement {
  readonly name: string;
  readonly number: number;
}

/** Keys of a map are texts. */
export interface ContainerKind {
  readonly kind: 'array' | 'map';
  readonly of: ScalarKind | ContainerKind;
}

/** What one field of the messages is read as. */
export type FieldKind =
  | ScalarKind
  | ContainerKind
  | { readonly kind: 'tuple'; readonly elements: readonly RowField[] };

export type RowField = { readonly name: string } & FieldKind;

/** Fields of a row in their order, behind its position: ledger, entry (Int64), index (UInt32) and, if wanted, publish time (Int64). */
export interface RowTables {
  readonly fields: readonly RowField[];
  readonly withPublishTime: boolean;
}

/** Names that are ours alone. */
export const FORBIDDEN = ['_ledger', '_entry', '_index', '_publish_time'];

/** Where the publish time stands in a row, behind ledger, entry and index. */
export const PUBLISH_TIME_AT = 20;

type KindNumber = readonly [number: number, bytes: number];

const KINDS: Readonly<Record<Exclude<ValueKind, `${string}int${string}`>, KindNumber>> = {
  text: [KIND_TEXT, 0],
  float64: [KIND_FLOAT64, 8],
  float32: [KIND_FLOAT32, 4],
  bool: [KIND_BOOL, 1],
  date: [KIND_DATE, 2],
  date32: [KIND_DATE32, 4],
  uuid: [KIND_UUID, 16],
  ipv4: [KIND_IPV4, 4],
  ipv6: [KIND_IPV6, 16],
};

/** Decimals of so many digits have so many bytes. */
function decimalBytes(precision: number): number {
  if (precision <= 9) return 4;
  return precision <= 18 ? 8 : 16;
}

/** The kernel's number for it, and the bytes of its values; 0 where they vary. */
export function numberOf(field: ScalarKind | ContainerKind): KindNumber {
  switch (field.kind) {
    case 'array':
      return [KIND_ARRAY, 0];
    case 'map':
      return [KIND_MAP, 0];
    case 'enum':
      return [KIND_ENUM, field.bytes];
    case 'fixedText':
      return [KIND_FIXED_TEXT, field.bytes];
    case 'decimal':
      return [KIND_DECIMAL, decimalBytes(field.precision)];
    case 'dateTime':
      return [KIND_DATETIME, 4];
    case 'dateTime64':
      return [KIND_DATETIME64, 8];
    default:
      return valueNumberOf(field.kind);
  }
}

function valueNumberOf(kind: ValueKind): KindNumber {
  const integer = /^(u?)int(\d+)$/.exec(kind);
  if (!integer) return KINDS[kind as keyof typeof KINDS];
  const bytes = Number(integer[2]) / 8;
  return [KIND_INT8 + (integer[1] === 'u' ? UNSIGNED : 0) + Math.log2(bytes), bytes];
}

export function isContainer(field: FieldKind): field is ContainerKind {
  return field.kind === 'array' || field.kind === 'map';
}

/** Whether every value of it has as many bytes. */
export function isFixed(field: FieldKind): boolean {
  if (field.kind === 'tuple') return field.elements.every(isFixed);
  return !isContainer(field) && field.kind !== 'text' && !field.isNullable;
}

/** Tuples within tuples, or Arrays within Arrays, that the kernel follows. */
const MOST_DEPTH = 4;

/** Whether there is room for the tables of these fields. */
export function hasRoomFor(fields: readonly RowField[]): boolean {
  const all = withElements(fields);
  const names = [...all.map(({ name }) => name), ...all.flatMap(enumElements).map(({ name }) => name)];
  const bytes = names.reduce((sum, name) => sum + Buffer.byteLength(name), 0);
  const records = all.reduce((sum, field) => sum + recordsOf(field), 0);
  const fixed = all.reduce((sum, field) => sum + (field.kind === 'tuple' ? 0 : numberOf(field)[1]), 0);
  const tuples = all.filter(({ kind }) => kind === 'tuple').length;
  return (
    records + FORBIDDEN.length <= MOST_FIELDS &&
    fixed + PUBLISH_TIME_AT + 8 + 16 <= MOST_FIXED_BYTES &&
    bytes + 64 <= KEYS_BYTES &&
    tuples < MOST_OBJECTS - 1 &&
    fields.every((field) => depthOf(field) <= MOST_DEPTH)
  );
}

function withElements(fields: readonly RowField[]): readonly RowField[] {
  return fields.flatMap((field) =>
    field.kind === 'tuple' ? [field, ...withElements(field.elements)] : [field],
  );
}

export function enumElements(field: FieldKind): readonly EnumElement[] {
  if (isContainer(field)) return enumElements(field.of);
  return field.kind === 'enum' ? field.elements : [];
}

function recordsOf(field: FieldKind): number {
  return 1 + (isContainer(field) ? recordsOf(field.of) : enumElements(field).length);
}

function depthOf(field: FieldKind): number {
  if (isContainer(field)) return 1 + depthOf(field.of);
  return field.kind === 'tuple' ? 1 + Math.max(...field.elements.map(depthOf)) : 0;
}

/** What an element of an Array takes in JSON at least, with its comma. */
const SHORTEST_ELEMENT = 2;

/** How many times as long as in JSON Arrays and Maps are at most. */
export function growthOf(field: FieldKind): number {
  if (field.kind === 'tuple') return Math.max(1, ...field.elements.map(growthOf));
  if (isContainer(field)) return growthOfElements(field.of);
  return 1;
}

function growthOfElements(of: ScalarKind | ContainerKind): number {
  if (isContainer(of)) return growthOfElements(of.of);
  const bytes = numberOf(of)[1] + (of.isNullable ? 1 : 0);
  return Math.max(1, Math.ceil(bytes / SHORTEST_ELEMENT));
}

export function isNullable(field: ScalarKind | ContainerKind): boolean {
  return !isContainer(field) && field.isNullable;
}

export function formOf(field: ScalarKind | ContainerKind): number {
  if (isContainer(field)) return FORM_ENCODED;
  if (field.kind === 'fixedText') return FORM_FIXED_TEXT;
  return field.kind === 'text' ? FORM_TEXT : FORM_VALUE;
}
