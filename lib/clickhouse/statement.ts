import { createHash } from 'node:crypto';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { quoteIdentifier, quoteString, quoteTable } from './identifiers.ts';
import { POSITION_COLUMN_NAMES, PUBLISH_TIME_FIELD, ROW_POSITION_FIELDS } from './position-columns.ts';

/** What of a pipeline the statement is made from. */
export type Mapping = Pick<Pipeline, 'target' | 'targetOptions' | 'source' | 'columns' | 'where'>;

/** What the server says when a body arrives after its time: the only text by which that error is known from a view's own. */
export const LATE_BODY = 'pulsehouse: this insert arrived after its time';

/**
 * `nowInBlock` and never `now`: the latter is folded into a constant when the query begins, so that a body which stalls
 * half way would still be stored however late its end comes. Both sides in whole seconds, rounded to the earlier end.
 */
const NOT_LATE = `throwIf(nowInBlock() >= fromUnixTimestamp({notAfter:UInt32}), ${quoteString(LATE_BODY)}) = 0`;

/** The insert of every batch of a pipeline. `{partition}` and `{notAfter}` (seconds) are its parameters. */
export function insertStatement(mapping: Mapping): string {
  return insertInto(quoteTable(mapping.target), mapping);
}

/** The same insert into a table that has the target's columns. @param table quoted */
export function insertInto(table: string, mapping: Mapping): string {
  return `${insertHead(table, mapping)} ${selectFromInput(mapping)}`;
}

/** @param table quoted */
export function insertHead(table: string, mapping: Mapping): string {
  const columns = [...POSITION_COLUMN_NAMES, ...Object.keys(mapping.columns)].map(quoteIdentifier);
  return `INSERT INTO ${table} (${columns.join(', ')})`;
}

/**
 * Notes for each row of a body whether it meets the pipeline's condition, as `WHERE` takes it. Every field is read, as an
 * insert reads them.
 * @param table one with the row position fields and `_met`
 */
export function conditionStatement(table: string, mapping: Mapping): string {
  const position = Object.keys(ROW_POSITION_FIELDS).join(', ');
  const fields = Object.keys(sourceFields(mapping)).map(quoteIdentifier);
  return [
    `INSERT INTO ${table} SELECT ${position}, ifNull(1 AND (${mapping.where ?? '1'}), 0)`,
    `FROM input(${quoteString(inputStructure(mapping))})`,
    `WHERE NOT ignore(${[position, ...fields].join(', ')})`,
    'FORMAT JSONEachRow',
  ].join(' ');
}

/**
 * The same rows through the same expressions into nowhere.
 * @param types the target's types of the mapped columns: what the insert would convert to.
 */
export function probeStatement(mapping: Mapping, types: Readonly<Record<string, string>>): string {
  const names = [...POSITION_COLUMN_NAMES, ...Object.keys(mapping.columns)];
  const structure = names.map((name) => `${quoteIdentifier(name)} ${types[name] ?? 'String'}`).join(', ');
  return `INSERT INTO FUNCTION null(${quoteString(structure)}) ${selectFromInput(mapping)}`;
}

function selectFromInput(mapping: Mapping): string {
  const { head, tail } = selectFrom(mapping);
  return `${head} input(${quoteString(inputStructure(mapping))}) ${tail} FORMAT JSONEachRow`;
}

/** What stands around the source of the rows, which has the fields of `inputStructure`. */
export function selectFrom(mapping: Mapping): { readonly head: string; readonly tail: string } {
  const position = ['{partition:UInt32}', ...Object.keys(ROW_POSITION_FIELDS), '0'];
  const expressions = distinct(Object.values(mapping.columns), Object.keys(ROW_POSITION_FIELDS));
  const met = mapping.where === undefined ? '' : ` AND (${mapping.where})`;
  return {
    head: `SELECT ${[...position, ...expressions].join(', ')} FROM`,
    tail: `WHERE ${NOT_LATE}${met}`,
  };
}

/** ClickHouse refuses to read one field of `input()` under its own name twice: from the second time on it goes by another. */
function distinct(expressions: readonly string[], taken: readonly string[]): readonly string[] {
  const times = new Map(taken.map((name) => [name, 1]));
  return expressions.map((expression) => {
    const plain = expression.trim().replaceAll('`', '');
    const before = times.get(plain) ?? 0;
    times.set(plain, before + 1);
    return `${'identity('.repeat(before)}(${expression})${')'.repeat(before)}`;
  });
}

/** Position fields first, as they stand first in every row. */
export function inputStructure(mapping: Mapping): string {
  return Object.entries({ ...ROW_POSITION_FIELDS, ...sourceFields(mapping) })
    .map(([name, type]) => `${quoteIdentifier(name)} ${type}`)
    .join(', ');
}

/** What a row is read as, besides its position. */
export function sourceFields(mapping: Mapping): Readonly<Record<string, string>> {
  const publishTime = needsPublishTime(mapping) ? { [PUBLISH_TIME_FIELD]: 'Int64' } : {};
  return { ...publishTime, ...mapping.source.fields };
}

export function needsPublishTime(mapping: Mapping): boolean {
  const expressions = [...Object.values(mapping.columns), mapping.where ?? ''];
  return expressions.some((expression) => /\b_publish_time\b/.test(expression));
}

/**
 * Part of every hash since tokens stand for blocks. Earlier builds had them stand for the pieces in which a body was read:
 * what such a build has sent is outlived, and its token not trusted.
 */
const TOKEN_OF = ' a token is of a block';

/** Hash of the statement and of what else decides how the server reads a body: another mapping, another hash. */
export function mappingHash(mapping: Mapping): string {
  const hash = createHash('sha256').update(insertStatement(mapping)).update(TOKEN_OF);
  if (mapping.source.emptyStrings === 'null') hash.update(' empty strings are NULL');
  return hash.digest('hex').slice(0, 16);
}

/** Hash of what decides which messages meet the condition; undefined without one. */
export function conditionHash({ where }: Pick<Mapping, 'where'>): string | undefined {
  return where === undefined ? undefined : createHash('sha256').update(where).digest('hex').slice(0, 16);
}
