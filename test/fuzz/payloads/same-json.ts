/** What ClickHouse stores of a literal in an array of a JSON column, by the arrays before it at the same path. */
const FORMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['null', ['null', '{}', '[]']],
  ['true', ['true', '1', '"true"']],
  ['false', ['false', '0', '"false"']],
]);

/** Texts, empty objects and arrays, brackets and separators, numbers and literals. */
const TOKENS = /"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]|[^{}[\],:"\s]+/g;

/**
 * Whether two texts of a JSON column, as TSV has them, are one value of this payload beside different neighbours. Only
 * elements of arrays may differ, and only as forms of a literal that the payload has: docs/configuration.md.
 */
export function isSameJson(one: string, other: string, payload: Buffer): boolean {
  if (one === other) return true;
  const mine = tokensOf(one);
  const theirs = tokensOf(other);
  if (mine.length !== theirs.length) return false;
  const within: string[] = [];
  return mine.every((token, at) => {
    const its = theirs[at] ?? '';
    if (token !== its) return within.at(-1) === '[' && areForms(token, its, payload);
    if (token === '[' || token === '{') within.push(token);
    if (token === ']' || token === '}') within.pop();
    return true;
  });
}

function tokensOf(tsv: string): readonly string[] {
  return tsv.replaceAll(/\\(.)/g, '$1').match(TOKENS) ?? [];
}

function areForms(one: string, other: string, payload: Buffer): boolean {
  return [...FORMS].some(
    ([literal, forms]) => forms.includes(one) && forms.includes(other) && payload.includes(literal),
  );
}
