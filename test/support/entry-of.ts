import type { Position } from '../../lib/pipeline/position.ts';
import { type Entry, NULL_VALUE } from '../../lib/ports/transport.ts';

/** An entry of these payloads, as a transport gives it; an undefined one is a message with a null value. */
export function entryOf(
  position: Position,
  payloads: readonly (Uint8Array | undefined)[],
  publishTime: number,
): Entry {
  const bounds = new Int32Array(2 * payloads.length);
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    bounds[2 * index] = payload === undefined ? NULL_VALUE : at;
    at += payload?.length ?? 0;
    bounds[2 * index + 1] = payload === undefined ? NULL_VALUE : at;
  }
  const data = Buffer.concat(payloads.filter((payload) => payload !== undefined));
  return {
    position,
    firstPosition: position,
    publishTime,
    count: payloads.length,
    data,
    dataBytes: data.length,
    bounds,
    messages: payloads.length,
    wireBytes: data.length,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: () => ({ key: undefined, properties: {}, eventTime: 0, sequenceId: 0 }),
  };
}
