const LONGEST = 40;

/** The value of one field as the payload has it, cut short; undefined where the payload is no JSON or lacks the field. */
export function fieldExcerpt(payload: Uint8Array, field: string): string | undefined {
  try {
    const value = (JSON.parse(Buffer.from(payload).toString('utf8')) as Record<string, unknown>)[field];
    if (value === undefined) return undefined;
    const text = JSON.stringify(value);
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch {
    return undefined;
  }
}
