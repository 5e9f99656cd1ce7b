import { PulsehouseError } from '../../../pipeline/errors.ts';

/** `[u32 totalSize][u32 commandSize]`: the smallest prefix that says whether a frame can be true. */
const SIZE_BYTES = 4;
/** What clients allow a frame to exceed the broker's `max_message_size` by, for its command and metadata. */
export const FRAME_PADDING = 10 * 1024;
/** Limit until the broker has named its own. */
export const DEFAULT_MAX_MESSAGE_SIZE = 5 * 1024 * 1024;

/**
 * Cuts a byte stream into frames, each in memory of its own: the socket's read buffer is used again at once, and a
 * frame that is held (an entry's payload) keeps nothing else alive. Bytes are copied exactly once.
 * `onFrame` gets the frame without its `totalSize`.
 */
export class FrameReader {
  /** Longest `totalSize` accepted. */
  maxFrame = DEFAULT_MAX_MESSAGE_SIZE + FRAME_PADDING;
  readonly #onFrame: (frame: Uint8Array) => void;
  #frame: Uint8Array | undefined;
  #filled = 0;
  #size = 0;
  #sizeBytes = 0;

  constructor(onFrame: (frame: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** Bytes held for a frame that is not complete. */
  get pending(): number {
    return this.#frame?.length ?? 0;
  }

  /** @throws PulsehouseError PH_PULSAR_FRAME_TOO_LARGE before anything is allocated for such a frame. */
  push(chunk: Uint8Array, start = 0, end = chunk.length): void {
    let at = start;
    while (at < end) {
      if (this.#frame === undefined) {
        while (this.#sizeBytes < SIZE_BYTES && at < end) {
          this.#size = this.#size * 256 + (chunk[at++] as number);
          this.#sizeBytes++;
        }
        if (this.#sizeBytes < SIZE_BYTES) return;
        this.#begin();
      }
      const frame = this.#frame as Uint8Array | undefined;
      if (frame === undefined) return;
      const taken = Math.min(frame.length - this.#filled, end - at);
      frame.set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
      if (this.#filled === frame.length) {
        this.#frame = undefined;
        this.#filled = 0;
        this.#onFrame(frame);
      }
    }
  }

  #begin(): void {
    const size = this.#size;
    this.#size = 0;
    this.#sizeBytes = 0;
    if (size < SIZE_BYTES) {
      throw new PulsehouseError('PH_PULSAR_MALFORMED', `a frame of ${size} bytes cannot hold a command`);
    }
    if (size > this.maxFrame) {
      throw new PulsehouseError(
        'PH_PULSAR_FRAME_TOO_LARGE',
        `a frame of ${size} bytes exceeds the limit of ${this.maxFrame}`,
      );
    }
    this.#frame = Buffer.allocUnsafe(size);
  }
}
