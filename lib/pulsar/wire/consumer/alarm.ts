import type { Environment } from '../../../ports/environment.ts';

/**
 * One sleep that serves many waits. Messages may come one at a time, and a sleep of its own for each, ended early, costs more
 * than all else that is done for a message.
 */
export class Alarm {
  readonly #environment: Pick<Environment, 'now' | 'sleep'>;
  readonly #ring: () => void;
  #current: { readonly at: number; readonly ending: AbortController } | undefined;

  /** @param ring may be called earlier than asked for, and must not throw */
  constructor(environment: Pick<Environment, 'now' | 'sleep'>, ring: () => void) {
    this.#environment = environment;
    this.#ring = ring;
  }

  /** Rings within so many milliseconds. */
  setWithin(milliseconds: number): void {
    const at = this.#environment.now() + milliseconds;
    if (this.#current !== undefined && this.#current.at <= at) return;
    this.stop();
    const current = { at, ending: new AbortController() };
    this.#current = current;
    const end = (): void => {
      if (this.#current !== current) return;
      this.#current = undefined;
      this.#ring();
    };
    this.#environment.sleep(milliseconds, current.ending.signal).then(end, end);
  }

  /** Does not ring any more until it is set again. */
  stop(): void {
    this.#current?.ending.abort();
    this.#current = undefined;
  }
}
