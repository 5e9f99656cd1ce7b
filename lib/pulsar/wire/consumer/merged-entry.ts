import type { Position } from '../../../pipeline/position.ts';
import type { Entry, MessageMetadata } from '../../../ports/transport.ts';

/** Several entries given out as one, messages numbered through in the order in which they were completed. */
export function mergedEntry(
  parts: readonly Entry[],
  last: Pick<Entry, 'position' | 'brokerIndex'>,
  firstPosition: Position,
): Entry {
  const count = sum(parts, (part) => part.count);
  const bounds = new Int32Array(2 * count);
  const reasons = new Map<number, string>();
  let at = 0;
  let offset = 0;
  for (const part of parts) {
    for (const [index, reason] of part.givenUp ?? []) reasons.set(at / 2 + index, reason);
    for (let index = 0; index < part.bounds.length; index += 2) {
      const start = part.bounds[index] as number;
      const end = part.bounds[index + 1] as number;
      bounds[at++] = start < 0 ? start : start + offset;
      bounds[at++] = start < 0 ? end : end + offset;
    }
    offset += part.dataBytes;
  }
  return {
    ...last,
    firstPosition,
    publishTime: parts.reduce((newest, part) => Math.max(newest, part.publishTime), 0),
    count,
    data: Buffer.concat(parts.map((part) => part.data)),
    dataBytes: offset,
    bounds,
    messages: sum(parts, (part) => part.messages),
    wireBytes: sum(parts, (part) => part.wireBytes),
    schemaVersion: parts[0]?.schemaVersion,
    givenUp: reasons.size > 0 ? reasons : undefined,
    metadata: (index) => metadataOf(parts, index),
  };
}

function metadataOf(parts: readonly Entry[], index: number): MessageMetadata {
  let within = index;
  for (const part of parts) {
    if (within < part.count) return part.metadata(within);
    within -= part.count;
  }
  throw new RangeError(`message ${index} of an entry of ${sum(parts, (part) => part.count)}`);
}

function sum(parts: readonly Entry[], of: (part: Entry) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}
