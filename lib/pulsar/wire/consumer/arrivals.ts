import type { PulsehouseError } from '../../../pipeline/errors.ts';
import type { CloseConsumer } from '../commands/consumer.ts';
import { FRAME_OVERHEAD } from './permits.ts';
import type { SessionListener } from './session.ts';

export interface Arrival {
  readonly frame: Uint8Array;
  readonly commandEnd: number;
  readonly ledger: number;
  readonly entry: number;
}

/** Frames that have arrived and were not taken yet, in order, with the bytes they hold. */
export class Arrivals implements SessionListener {
  readonly #onChange: () => void;
  #queue: (Arrival | undefined)[] = [];
  #taken = 0;
  #bytes = 0;
  gone: PulsehouseError | undefined;
  moved: CloseConsumer | undefined;

  /** @param onChange told after every arrival and at the end. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get bytes(): number {
    return this.#bytes;
  }

  onMessage(frame: Uint8Array, commandEnd: number, ledger: number, entry: number): void {
    this.#queue.push({ frame, commandEnd, ledger, entry });
    this.#bytes += frame.length + FRAME_OVERHEAD;
    this.#onChange();
  }

  onGone(error: PulsehouseError, moved?: CloseConsumer): void {
    this.gone = error;
    this.moved = moved;
    this.#onChange();
  }

  /** What `take` will give. */
  get first(): Arrival | undefined {
    return this.#queue[this.#taken];
  }

  take(): Arrival | undefined {
    const arrival = this.first;
    if (arrival === undefined) return undefined;
    this.#queue[this.#taken++] = undefined;
    this.#bytes -= arrival.frame.length + FRAME_OVERHEAD;
    if (this.#taken === this.#queue.length || this.#taken === 1024) {
      this.#queue = this.#queue.slice(this.#taken);
      this.#taken = 0;
    }
    return arrival;
  }
}
