import {
  type FieldKind,
  hasRoomFor,
  isFixed,
  type RowField,
  type RowTables,
  type ValueKind,
} from '../../kernel/row-tables.ts';
import { quoteIdentifier } from '../identifiers.ts';
import { PUBLISH_TIME_FIELD, ROW_POSITION_FIELDS } from '../position-columns.ts';
import { type ColumnType, parseColumnType } from './column-type.ts';

/** How the messages of a mapping become rows of RowBinary. */
export interface RowPlan {
  /** For `input()`: every field and its type, in the order in which a row has them. */
  readonly structure: string;
  readonly tables: RowTables;
}

const VALUES: Readonly<Record<string, ValueKind>> = {
  String: 'text',
  Bool: 'bool',
  Date: 'date',
  Float32: 'float32',
  Float64: 'float64',
  Int8: 'int8',
  Int16: 'int16',
  Int32: 'int32',
  Int64: 'int64',
  UInt8: 'uint8',
  UInt16: 'uint16',
  UInt32: 'uint32',
  UInt64: 'uint64',
};

/**
 * What is known to be read exactly as the server reads it as JSON, or why not all of it is.
 * @param fields source fields with their types
 */
export function planRows(
  fields: Readonly<Record<string, string>>,
  { withPublishTime }: { readonly withPublishTime: boolean },
): RowPlan | { readonly reason: string } {
  const known: (RowField & { readonly type: string })[] = [];
  for (const [name, type] of Object.entries(fields)) {
    const kind = name.includes('.') ? undefined : kindOf(parseColumnType(type));
    if (!kind) return { reason: `field ${name} (${type}) is read by ClickHouse alone` };
    known.push({ name, type, ...kind });
  }
  if (!hasRoomFor(known)) return { reason: 'there are more fields than are cut out here' };
  const ordered = [...known.filter(isFixed), ...known.filter((field) => !isFixed(field))];
  const position = { ...ROW_POSITION_FIELDS, ...(withPublishTime && { [PUBLISH_TIME_FIELD]: 'Int64' }) };
  const structure = [...Object.entries(position), ...ordered.map(({ name, type }) => [name, type] as const)];
  return {
    structure: structure.map(([name, type]) => `${quoteIdentifier(name)} ${type}`).join(', '),
    tables: { fields: ordered, withPublishTime },
  };
}

function kindOf(type: ColumnType | undefined, isNullable = false): FieldKind | undefined {
  if (type === undefined) return undefined;
  const [inner] = type.arguments;
  if (type.name === 'LowCardinality') return kindOf(inner?.type, isNullable);
  if (type.name === 'Nullable') return kindOf(inner?.type, true);
  if (type.name === 'Tuple') return isNullable ? undefined : tupleOf(type);
  const kind =
    Object.hasOwn(VALUES, type.name) && type.arguments.length === 0 ? VALUES[type.name] : undefined;
  return kind && { kind, isNullable };
}

function tupleOf({ arguments: elements }: ColumnType): FieldKind | undefined {
  const fields: RowField[] = [];
  for (const { label, type } of elements) {
    const kind = kindOf(type);
    if (label === undefined || label.includes('.') || !kind) return undefined;
    fields.push({ name: label, ...kind });
  }
  return fields.length === 0 ? undefined : { kind: 'tuple', elements: fields };
}
