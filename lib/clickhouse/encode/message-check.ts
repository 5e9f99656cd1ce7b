import type { NullValues } from '../../pipeline/pipeline.ts';
import type { BadMessage } from '../../ports/sink.ts';
import { COMPACTED_AWAY, type Entry, isWithoutValue } from '../../ports/transport.ts';
import { FrameCheck } from './frame-check.ts';
import { recognise } from './recognise.ts';
import type { ValueCheck } from './value-check.ts';

export interface MessageCheckOptions {
  /** @default skip */
  readonly nullValues?: NullValues;
  /** Values that must not be stored as the server reads them. @default none is looked for */
  readonly values?: ValueCheck | undefined;
}

/** Measured: what a bad message takes beside its payload. */
const BAD_MESSAGE_BYTES = 512;

const NO_VALUE = 'is null or empty (a tombstone); source.nullValues: skip leaves such messages out';

/**
 * What becomes of each message of a body, whatever format its rows are sent in. A payload that is not exactly one object,
 * or holds a value that would change silently, becomes a bad message instead of a row.
 */
export class MessageCheck {
  readonly bad: BadMessage[] = [];
  readonly #frames = new FrameCheck();
  readonly #nullValues: NullValues;
  readonly #values: ValueCheck | undefined;
  #badBytes = 0;
  #filtered = 0;

  constructor({ nullValues = 'skip', values }: MessageCheckOptions = {}) {
    this.#nullValues = nullValues;
    this.#values = values;
  }

  /** About the bytes of memory that the bad messages take. */
  get badBytes(): number {
    return this.#badBytes;
  }

  /** Messages without a value that were left out. */
  get filtered(): number {
    return this.#filtered;
  }

  /** `SEEN` of payloads whose values have to be looked at; `EVERY` where all have. */
  get concerns(): number {
    return this.#values?.seen ?? 0;
  }

  /** Whether the message becomes a row. Otherwise it does not exist, or is counted as filtered or bad from now on. */
  admits(entry: Entry, index: number): boolean {
    const { bounds, data } = entry;
    const start = bounds[2 * index] as number;
    const end = bounds[2 * index + 1] as number;
    if (start < 0 && end === COMPACTED_AWAY) return false;
    const givenUp = entry.givenUp?.get(index);
    if (givenUp !== undefined) return this.#refuse(entry, index, givenUp);
    if (isWithoutValue(entry, index)) {
      if (this.#nullValues !== 'skip') return this.#refuse(entry, index, NO_VALUE);
      this.#filtered += 1;
      return false;
    }
    const fault = this.#frames.fault(data, start, end);
    if (fault !== undefined) return this.#refuse(entry, index, recognise(data, start, end, fault));
    return !this.#values?.concerns(this.#frames.seen) || this.admitsObject(entry, index);
  }

  /** As `admits`, of a message whose payload is one JSON object. */
  admitsObject(entry: Entry, index: number): boolean {
    const { bounds, data } = entry;
    const change = this.#values?.fault(data, bounds[2 * index] as number, bounds[2 * index + 1] as number);
    return change === undefined || this.#refuse(entry, index, change);
  }

  #refuse(entry: Entry, index: number, reason: string): false {
    const { data, position, publishTime, bounds } = entry;
    const start = bounds[2 * index] as number;
    const end = bounds[2 * index + 1] as number;
    // A Buffer's own `slice` is a view, which would keep the whole entry in memory.
    const payload = start < 0 ? new Uint8Array() : Uint8Array.prototype.slice.call(data, start, end);
    this.#badBytes += payload.byteLength + BAD_MESSAGE_BYTES;
    this.bad.push({
      position,
      index,
      publishTime,
      reason: `payload ${reason}`,
      payload,
      metadata: entry.metadata(index),
    });
    return false;
  }
}
