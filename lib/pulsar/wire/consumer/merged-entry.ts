import type { Position } from '../../../pipeline/position.ts';
import type { Entry, MessageMetadata } from '../../../ports/transport.ts';

/** Several entries given out as one, messages numbered through in the order in which they were completed. */
export class MergedEntry implements Entry {
  readonly position: Position;
  readonly firstPosition: Position;
  readonly publishTime: number;
  readonly count: number;
  readonly data: Uint8Array;
  readonly bounds: Int32Array;
  readonly messages: number;
  readonly wireBytes: number;
  readonly brokerIndex: number | undefined;
  readonly schemaVersion: Uint8Array | undefined;
  readonly givenUp: ReadonlyMap<number, string> | undefined;
  readonly #parts: readonly Entry[];

  constructor(
    parts: readonly Entry[],
    last: Pick<Entry, 'position' | 'brokerIndex'>,
    firstPosition: Position,
  ) {
    this.#parts = parts;
    this.position = last.position;
    this.firstPosition = firstPosition;
    this.publishTime = parts.reduce((newest, part) => Math.max(newest, part.publishTime), 0);
    this.count = sum(parts, (part) => part.count);
    this.messages = sum(parts, (part) => part.messages);
    this.wireBytes = sum(parts, (part) => part.wireBytes);
    this.brokerIndex = last.brokerIndex;
    this.schemaVersion = parts[0]?.schemaVersion;
    this.data = Buffer.concat(parts.map((part) => part.data));
    this.bounds = new Int32Array(2 * this.count);
    const reasons = new Map<number, string>();
    let at = 0;
    let offset = 0;
    for (const { bounds, data, givenUp } of parts) {
      for (const [index, reason] of givenUp ?? []) reasons.set(at / 2 + index, reason);
      for (let index = 0; index < bounds.length; index += 2) {
        const start = bounds[index] as number;
        const end = bounds[index + 1] as number;
        this.bounds[at++] = start < 0 ? start : start + offset;
        this.bounds[at++] = start < 0 ? end : end + offset;
      }
      offset += data.length;
    }
    this.givenUp = reasons.size > 0 ? reasons : undefined;
  }

  metadata(index: number): MessageMetadata {
    let within = index;
    for (const part of this.#parts) {
      if (within < part.count) return part.metadata(within);
      within -= part.count;
    }
    throw new RangeError(`message ${index} of an entry of ${this.count}`);
  }
}

function sum(parts: readonly Entry[], of: (part: Entry) => number): number {
  return parts.reduce((total, part) => total + of(part), 0);
}
