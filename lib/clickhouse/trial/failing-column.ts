/** Answers whether the row fails in the expressions of these columns alone. */
export type FailsIn = (columns: readonly string[]) => Promise<boolean>;

/** A column whose expression fails by itself; undefined where none does. At most two questions a halving. */
export async function failingColumn(
  columns: readonly string[],
  failsIn: FailsIn,
): Promise<string | undefined> {
  if (!(await failsIn(columns))) return undefined;
  let suspects = columns;
  while (suspects.length > 1) {
    const half = suspects.slice(0, Math.ceil(suspects.length / 2));
    suspects = (await failsIn(half)) ? half : suspects.slice(half.length);
  }
  return suspects[0];
}
