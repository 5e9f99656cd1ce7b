import { type ColumnType, parseColumnType } from './encode/column-type.ts';
import { KernelEncoder } from './encode/kernel-encoder.ts';
import type { RowEncoder } from './encode/row-encoder.ts';
import { planRows } from './encode/row-plan.ts';
import { type Mapping, needsPublishTime } from './statement.ts';

/** How the rows of a pipeline's batches are sent. */
export type RowFormat =
  | {
      readonly name: 'RowBinary';
      /** The fields of `input()`, in the order in which a row has them. */
      readonly structure: string;
      readonly encoder: RowEncoder;
    }
  | {
      readonly name: 'JSONEachRow';
      /** Why it is not RowBinary. */
      readonly reason: string;
    };

/** `*` as a list of columns, and `COLUMNS(…)`: what they stand for depends on the order of the fields. */
const ALL_FIELDS = /(?:^|[(,])\s*\*|\*\s*(?:$|[),]|EXCEPT\b|REPLACE\b|APPLY\b)|\bCOLUMNS\s*\(/i;

const ENUM = /^Enum(?:8|16)?$/i;
/** `'' = 1` among the elements of an Enum. */
const EMPTY_ELEMENT = /^''\s*(?:=|$)/;

/** Decided once for a mapping, by its fields' types and its expressions alone. */
export function rowFormatOf(mapping: Mapping, wanted: RowFormat['name'] = 'RowBinary'): RowFormat {
  const json = (reason: string): RowFormat => ({ name: 'JSONEachRow', reason });
  if (wanted === 'JSONEachRow') return json('CLICKHOUSE_ROW_FORMAT says so');
  const { columns, source, where } = mapping;
  for (const [column, expression] of Object.entries(columns)) {
    if (dependsOnOrder(expression)) return json(`column ${column} depends on the order of the fields`);
  }
  if (where !== undefined && dependsOnOrder(where)) return json('where depends on the order of the fields');
  if (source.emptyStrings === 'null') {
    const named = Object.entries(source.fields).find(([, type]) => takesEmptyText(parseColumnType(type)));
    if (named) return json(`an empty string in field ${named[0]} (${named[1]}) is not read as written`);
  }
  const plan = planRows(source.fields, { withPublishTime: needsPublishTime(mapping) });
  if ('reason' in plan) return json(plan.reason);
  return { name: 'RowBinary', structure: plan.structure, encoder: new KernelEncoder(plan.tables) };
}

function dependsOnOrder(expression: string): boolean {
  return ALL_FIELDS.test(withoutStrings(expression));
}

function withoutStrings(expression: string): string {
  return expression.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, "''");
}

/** With `source.emptyStrings: null` the server reads "" in these as NULL, or as the type's default, and not as what it says. */
function takesEmptyText(type: ColumnType | undefined): boolean {
  if (type === undefined) return true;
  const { name, arguments: given } = type;
  if (ENUM.test(name)) return given.some(({ text }) => EMPTY_ELEMENT.test(text));
  const isNullableText = name === 'Nullable' && /^(?:Fixed)?String$/i.test(given[0]?.type?.name ?? '');
  return isNullableText || given.some((argument) => argument.type && takesEmptyText(argument.type));
}
