const QUOTE = 0x27;
const BACKSLASH = 0x5c;

/** A SQL string of these bytes, whatever they are: the server takes all but quotes and backslashes as they stand. */
export function quotedBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const escaped = chunks.reduce((sum, chunk) => sum + specials(chunk), 0);
  const quoted = new Uint8Array(length + escaped + 2);
  quoted[0] = QUOTE;
  let at = 1;
  for (const chunk of chunks) {
    for (const byte of chunk) {
      if (byte === QUOTE || byte === BACKSLASH) quoted[at++] = BACKSLASH;
      quoted[at++] = byte;
    }
  }
  quoted[at] = QUOTE;
  return quoted;
}

function specials(chunk: Uint8Array): number {
  let count = 0;
  for (const byte of chunk) if (byte === QUOTE || byte === BACKSLASH) count++;
  return count;
}
