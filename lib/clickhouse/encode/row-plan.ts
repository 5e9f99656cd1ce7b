import {
  type FieldKind,
  hasRoomFor,
  isFixed,
  type RowField,
  type RowTables,
} from '../../kernel/field-kinds.ts';
import { quoteIdentifier } from '../identifiers.ts';
import { PUBLISH_TIME_FIELD, ROW_POSITION_FIELDS } from '../position-columns.ts';
import { type ColumnType, parseColumnType } from './column-type.ts';
import { elementKindOf } from './value-kind.ts';

/** How the messages of a mapping become rows of RowBinary. */
export interface RowPlan {
  /** For `input()`: every field and its type, in the order in which a row has them. */
  readonly structure: string;
  readonly tables: RowTables;
}

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

function kindOf(type: ColumnType | undefined): FieldKind | undefined {
  return type?.name === 'Tuple' ? tupleOf(type) : elementKindOf(type);
}

function tupleOf({ arguments: elements }: ColumnType): FieldKind | undefined {
  const fields: RowField[] = [];
  for (const { label, type } of elements) {
    const kind = kindOf(type);
    // An Enum that is missing here is refused where none of its elements is 0; all of them are left to the server.
    if (label === undefined || label.includes('.') || !kind || (kind.kind === 'enum' && !kind.isNullable))
      return undefined;
    fields.push({ name: label, ...kind });
  }
  return fields.length === 0 ? undefined : { kind: 'tuple', elements: fields };
}
