/** Deeper is refused, by the server too. */
const MAX_DEPTH = 1000;

/** Whether the payload is exactly one JSON object, by a parser that is not ours. */
export function isJsonObject(payload: Buffer): boolean {
  // Byte for byte: which letters the bytes above 0x7f make is nothing that JSON's grammar looks at.
  const text = payload.toString('latin1');
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) && depthOf(text) <= MAX_DEPTH;
  } catch {
    return false;
  }
}

function depthOf(json: string): number {
  // Hardly any has as many brackets as could make it too deep.
  if (json.length < 2 * MAX_DEPTH) return 0;
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth -= 1;
  }
  return deepest;
}
