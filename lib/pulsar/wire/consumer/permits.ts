/** Permits asked for before the size of any message is known. */
const FIRST_WINDOW = 1_000;
/** The broker counts permits in 32 bits; far fewer messages than that keep it busy. */
const LARGEST_WINDOW = 1_000_000;
/** Memory that a buffered frame takes besides its bytes. */
export const FRAME_OVERHEAD = 256;

/**
 * How many messages the broker may send. The broker counts messages and not bytes, so the window follows the size of
 * what arrives: as many messages as fit the byte limit. Every message that leaves the buffer, taken or dropped, gives
 * its permit back; the broker ships whole entries and may go beyond the window by one read of its own.
 */
export class Permits {
  readonly #maxBytes: number;
  #window = FIRST_WINDOW;
  /** Granted and not yet given back. */
  #outstanding = 0;
  #bytesPerMessage = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get window(): number {
    return this.#window;
  }

  /** A new consumer begins with none. */
  reset(): void {
    this.#outstanding = 0;
  }

  /** An entry of so many messages and bytes left the buffer. */
  giveBack(messages: number, bytes: number): void {
    this.#outstanding -= messages;
    const seen = (bytes + FRAME_OVERHEAD) / Math.max(1, messages);
    this.#bytesPerMessage = this.#bytesPerMessage === 0 ? seen : this.#bytesPerMessage * 0.9 + seen * 0.1;
    this.#window = Math.min(LARGEST_WINDOW, Math.max(1, Math.floor(this.#maxBytes / this.#bytesPerMessage)));
  }

  /** Permits to grant now: none until half the window is free, so that a grant is worth its frame. */
  take(): number {
    const free = this.#window - this.#outstanding;
    if (free < 1 || free * 2 < this.#window) return 0;
    this.#outstanding += free;
    return free;
  }
}
