import type { Entry } from '../../../../lib/ports/transport.ts';

export const TOMBSTONE = -1;
export const COMPACTED = -2;

interface EntrySketch {
  readonly ledger?: number;
  readonly entry?: number;
  readonly publishTime?: number;
  /** Payloads in order; a number stands for a message without one. */
  readonly payloads: readonly (string | Uint8Array | typeof TOMBSTONE | typeof COMPACTED)[];
}

/** An entry as a transport gives it: payloads as slices of one buffer with other bytes between them. */
export function sketchEntry({
  ledger = 1,
  entry = 1,
  publishTime = 1_764_000_000_000,
  payloads,
}: EntrySketch): Entry {
  const bounds = new Int32Array(2 * payloads.length);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (const [index, payload] of payloads.entries()) {
    if (typeof payload === 'number') {
      bounds.set([-1, payload], 2 * index);
      continue;
    }
    const bytes = Buffer.from(payload);
    pieces.push(Buffer.from('"}]'), bytes);
    bounds.set([length + 3, length + 3 + bytes.length], 2 * index);
    length += 3 + bytes.length;
  }
  const position = { ledger, entry };
  const data = new Uint8Array(Buffer.concat([...pieces, Buffer.from('{"')]));
  return {
    position,
    firstPosition: position,
    publishTime,
    count: payloads.length,
    data,
    dataBytes: data.length,
    bounds,
    messages: payloads.filter((payload) => payload !== COMPACTED).length,
    wireBytes: length,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: () => ({ key: undefined, properties: {}, eventTime: 0, sequenceId: 0 }),
  };
}
