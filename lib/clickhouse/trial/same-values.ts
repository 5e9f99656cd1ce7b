import type { BatchBody } from '../../ports/sink.ts';
import type { Fields } from './sift.ts';

const NUMBER = /^(?:Nullable\()?(?:U?Int|Float)\d/;

/**
 * The other rows of the body that hold the same values in these fields. Undefined where that cannot be said for sure: a
 * field that `row` lacks, a value other than a string, a Boolean, null or a whole number in a field of numbers.
 */
export function rowsOfSameValues(
  body: BatchBody,
  row: number,
  fields: Fields,
): readonly number[] | undefined {
  const names = Object.keys(fields);
  const wanted = valuesOf(bytesOf(body, row).toString('utf8'), names);
  if (wanted === undefined) return undefined;
  const sure = names.every((name) => isSure(wanted[name], fields[name] as string));
  if (!sure) return undefined;
  // The longest value is the rarest: a row without its text is not looked at any closer.
  const needle = Buffer.from(
    Object.values(wanted)
      .map((value) => JSON.stringify(value))
      .reduce((longest, text) => (text.length > longest.length ? text : longest), ''),
  );
  const key = JSON.stringify(names.map((name) => wanted[name]));
  const alike: number[] = [];
  for (let other = 0; other < body.rows; other += 1) {
    if (other === row) continue;
    const bytes = bytesOf(body, other);
    if (!bytes.includes(needle)) continue;
    const values = valuesOf(bytes.toString('utf8'), names);
    if (values && JSON.stringify(names.map((name) => values[name])) === key) alike.push(other);
  }
  return alike;
}

/** Nothing where a field is missing, or may stand there more than once: then it is not sure which of them is read. */
function valuesOf(text: string, names: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (!names.every((name) => standsOnce(text, JSON.stringify(name)))) return undefined;
  try {
    const values = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return names.every((name) => Object.hasOwn(values, name)) ? values : undefined;
  } catch {
    return undefined;
  }
}

function standsOnce(text: string, key: string): boolean {
  const first = text.indexOf(key);
  return first >= 0 && text.indexOf(key, first + 1) < 0;
}

function isSure(value: unknown, type: string): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) && NUMBER.test(type);
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

function bytesOf(body: BatchBody, row: number): Buffer {
  return Buffer.concat(body.chunks(row, row + 1));
}
