import type { Fields } from './sift.ts';

/** Answers which of the rows cannot be read as these fields alone. */
export type ReadAs = (fields: Fields, rows: readonly number[]) => Promise<readonly number[]>;

/** The first field of each row that cannot be read. A row that no single field spoils is not in the answer. */
export async function unreadableFields(
  fields: Fields,
  rows: readonly number[],
  readAs: ReadAs,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  const search = async (names: readonly string[], suspects: readonly number[]): Promise<void> => {
    const [first] = names;
    if (suspects.length === 0 || first === undefined) return;
    const part = Object.fromEntries(names.map((name) => [name, fields[name] as string]));
    const unread = await readAs(part, suspects);
    if (names.length === 1) {
      for (const row of unread) found.set(row, first);
      return;
    }
    const middle = Math.ceil(names.length / 2);
    await search(names.slice(0, middle), unread);
    await search(
      names.slice(middle),
      unread.filter((row) => !found.has(row)),
    );
  };
  await search(Object.keys(fields), rows);
  return found;
}
