import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

/** What of a table's TTL takes rows away. */
export interface RowTtl {
  /** Of a row that has expired now; undefined where only rollups (GROUP BY) take rows, of which no row says so itself. */
  readonly expired: string | undefined;
}

/** The clause of a table's definition that says when rows expire; undefined where none does. */
export function ttlClause(engineFull: string): string | undefined {
  const begins = topLevel(engineFull, /^TTL\s/i)[0];
  if (begins === undefined) return undefined;
  const ends = topLevel(engineFull, /^SETTINGS\s/i).find((at) => at > begins);
  return engineFull.slice(begins + 'TTL'.length, ends).trim();
}

/**
 * @param engineFull as `system.tables` writes it.
 * @returns undefined where no row is ever taken away: without a TTL, or with one that only moves or packs rows.
 */
export function rowTtl(engineFull: string): RowTtl | undefined {
  const clause = ttlClause(engineFull);
  if (clause === undefined) return undefined;
  const elements = split(clause, topLevel(clause, /^,/));
  // What follows a GROUP BY may belong to its SET.
  const rollup = elements.findIndex((element) => topLevel(element, /^GROUP\s+BY\s/i).length > 0);
  const conditions = (rollup < 0 ? elements : elements.slice(0, rollup))
    .filter((element) => topLevel(element, /^(?:TO\s+(?:DISK|VOLUME)\s|RECOMPRESS\s)/i).length === 0)
    .map(expiredBy);
  if (conditions.length === 0) return rollup < 0 ? undefined : { expired: undefined };
  return { expired: conditions.map((condition) => `(${condition})`).join(' OR ') };
}

/** A TTL of zero never expires, as the server has it. */
function expiredBy(element: string): string {
  const where = topLevel(element, /^WHERE\s/i)[0];
  const time = element
    .slice(0, where)
    .replace(/\s+DELETE\s*$/i, '')
    .trim();
  const due = `toInt64(${time}) != 0 AND (${time}) <= now()`;
  return where === undefined ? due : `${due} AND (${element.slice(where + 'WHERE'.length).trim()})`;
}

/** Where the pattern stands outside of brackets and quotes, at the beginning of a word or as a sign. */
function topLevel(text: string, pattern: RegExp): readonly number[] {
  const found: number[] = [];
  let depth = 0;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== undefined) {
      if (character === '\\') at += 1;
      else if (character === quote) quote = undefined;
    } else if (character === "'" || character === '`' || character === '"') quote = character;
    else if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    else if (depth === 0 && !/\w/.test(text.charAt(at - 1)) && pattern.test(text.slice(at))) found.push(at);
  }
  return found;
}

function split(text: string, commas: readonly number[]): readonly string[] {
  const bounds = [-1, ...commas, text.length];
  return commas.length === 0
    ? [text]
    : bounds.slice(1).map((end, index) => text.slice((bounds[index] ?? -1) + 1, end).trim());
}

/** The table's own, as it is now; undefined too where there is no such table. */
export async function readRowTtl(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<RowTtl | undefined> {
  const [row] = await questions.ask<{ engineFull: string }>(
    `SELECT engine_full AS engineFull FROM system.tables WHERE database = {database:String} AND name = {table:String}`,
    { ...target },
    deadline,
  );
  return row && rowTtl(row.engineFull);
}
