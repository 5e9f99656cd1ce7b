import { insertSettings } from './accepted-settings.ts';
import { quoteString } from './identifiers.ts';
import type { Questions } from './questions.ts';
import { inputStructure, type Mapping } from './statement.ts';
import type { TableFinding } from './table-check.ts';
import type { TableDescription } from './table-description.ts';

const WRAPPER = /^(?:Nullable|LowCardinality)\((.*)\)$/;
const WIDE_TIME = /^(?:DateTime64|Date32)\b/;
const NARROW_TIME = /^(?:DateTime|Date)(?:\(|$)/;
const INTEGER = /^(U?)Int(\d+)$/;

/**
 * Columns that are narrower than what is put into them: ClickHouse converts without looking, and a value that does not
 * fit is stored as another one. Integers are looked at where a field goes into a column as it is.
 * @throws PulsehouseError PH_TABLE_MISMATCH where the mapping itself is wrong.
 */
export async function checkNarrowing(
  questions: Questions,
  mapping: Mapping,
  table: TableDescription,
  deadline: number,
): Promise<readonly TableFinding[]> {
  const entries = Object.entries(mapping.columns);
  const expressions = entries.map(([, expression], index) => `(${expression}) AS _pulsehouse_${index}`);
  const settings = await insertSettings(questions, mapping, deadline);
  const answer = await questions.tell(
    `DESCRIBE TABLE (SELECT ${expressions.join(', ')} FROM null(${quoteString(inputStructure(mapping))})) FORMAT JSONEachRow`,
    {},
    deadline,
    settings,
  );
  const types = answer
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => bare((JSON.parse(line) as { readonly type: string }).type));
  return entries.flatMap(([name, expression], index) => {
    const column = bare(table.columns.find((candidate) => candidate.name === name)?.type ?? '');
    const from = types[index] ?? '';
    const remedy = remedyFor(expression, from, column, expression in mapping.source.fields);
    if (remedy === undefined) return [];
    const message = `columns.${name} is ${column} and "${expression}" is ${from}: a value that does not fit is stored as another one; write ${remedy}, which makes its message a dead letter`;
    return [{ severity: 'warning' as const, message, sql: undefined }];
  });
}

function remedyFor(expression: string, from: string, to: string, isField: boolean): string | undefined {
  if (WIDE_TIME.test(from) && NARROW_TIME.test(to)) {
    return `${to.startsWith('DateTime') ? 'toDateTime' : 'toDate'}(${expression})`;
  }
  const [wide, narrow] = [INTEGER.exec(from), INTEGER.exec(to)];
  if (!isField || !wide || !narrow || from === to) return undefined;
  const fits = valueBits(narrow) >= valueBits(wide) && (wide[1] === 'U' || narrow[1] !== 'U');
  return fits ? undefined : `accurateCast(${expression}, '${to}')`;
}

/** Of the highest value. */
function valueBits([, unsigned, bits]: RegExpExecArray): number {
  return unsigned === 'U' ? Number(bits) : Number(bits) - 1;
}

function bare(type: string): string {
  const inner = WRAPPER.exec(type)?.[1];
  return inner === undefined ? type : bare(inner);
}
