import { PulsehouseError } from '../pipeline/errors.ts';
import type { Fenced } from '../pipeline/partition-state.ts';
import type { Environment } from '../ports/environment.ts';
import type { LeaseResult } from '../ports/state-store.ts';
import { claimLease, type FencedItem, writeFenced } from './fenced-write.ts';

export interface LeaseTerms {
  /** Unique for each invocation. */
  readonly owner: string;
  /** Milliseconds a lease lasts without renewal. */
  readonly duration: number;
  /** No write of this lease is begun or waited for after it (ms since the epoch). */
  readonly deadline: number;
}

export type LeaseTaken<State extends Fenced> =
  | { readonly taken: true; readonly lease: Lease<State> }
  | { readonly taken: false; readonly found: State | undefined };

/**
 * Once taken, the lease's state is the one its own taking write returned. A lease that runs still is taken from a holder
 * that is known to have died: fencing by epoch makes that safe even where the knowledge is wrong.
 */
export async function takeLease<State extends Fenced>(
  item: FencedItem<State>,
  terms: LeaseTerms,
  environment: Environment,
): Promise<LeaseTaken<State>> {
  let result = await claim(item, terms, environment);
  const holder = result.taken ? undefined : result.found?.owner;
  if (holder !== undefined && environment.isDead?.(holder)) {
    result = await claim(item, terms, environment, holder);
  }
  return result.taken
    ? { taken: true, lease: new Lease(item, result.state, terms, environment) }
    : { taken: false, found: result.found };
}

function claim<State extends Fenced>(
  item: FencedItem<State>,
  { owner, duration, deadline }: LeaseTerms,
  environment: Environment,
  dead?: string,
): Promise<LeaseResult<State>> {
  const now = environment.now();
  const asked = { owner, writeId: environment.uniqueId(), now, leaseUntil: now + duration };
  return claimLease(item, dead === undefined ? asked : { ...asked, dead }, environment, deadline);
}

/**
 * The right to write one item. Writes are made one after the other, each from the state the one before it left, so that
 * concurrent parts of one invocation never race each other. After the first failed write every later one fails too.
 */
export class Lease<State extends Fenced> {
  private readonly item: FencedItem<State>;
  private readonly terms: LeaseTerms;
  private readonly environment: Environment;
  private current: State;
  private tail: Promise<unknown> = Promise.resolve();
  private lost: unknown;
  private released = false;

  constructor(item: FencedItem<State>, state: State, terms: LeaseTerms, environment: Environment) {
    this.item = item;
    this.current = state;
    this.terms = terms;
    this.environment = environment;
  }

  /** As of the last write known to stand. */
  get state(): State {
    return this.current;
  }

  /**
   * Applies `change` to the newest state and writes it, renewing the lease with it.
   * @throws PulsehouseError PH_FENCED, PH_STATE_UNREACHABLE, and whatever `change` throws (then nothing is written).
   */
  update(change: (state: State) => State): Promise<State> {
    const run = this.tail.then(() => this.write(change, this.environment.now() + this.terms.duration));
    this.tail = run.catch(() => undefined);
    return run;
  }

  /**
   * Renews when a third of the lease has passed since the last write; those that ask at once renew it once.
   * @throws PulsehouseError as `update` does, and when the lease is known to be lost.
   */
  renewIfDue(): Promise<void> {
    if (this.lost === undefined && !this.isDue()) return Promise.resolve();
    const run = this.tail.then(async () => {
      if (this.lost !== undefined) throw this.lost;
      if (!this.released && this.isDue())
        await this.write((state) => state, this.environment.now() + this.terms.duration);
    });
    this.tail = run.catch(() => undefined);
    return run;
  }

  private isDue(): boolean {
    return this.current.leaseUntil - this.environment.now() < (this.terms.duration * 2) / 3;
  }

  /** Gives the lease back, after a last change. Afterwards nothing can be written. */
  async release(change: (state: State) => State = (state) => state): Promise<void> {
    const run = this.tail.then(async () => {
      if (this.released) return;
      await this.write((state) => ({ ...change(state), owner: undefined }), 0);
      this.released = true;
    });
    this.tail = run.catch(() => undefined);
    await run;
  }

  private async write(change: (state: State) => State, leaseUntil: number): Promise<State> {
    if (this.lost !== undefined) throw this.lost;
    if (this.released)
      throw new PulsehouseError('PH_FENCED', `the lease on ${this.item.name} was given back`);
    const next: State = {
      ...change(this.current),
      version: this.current.version + 1,
      follows: this.current.writeId,
      writeId: this.environment.uniqueId(),
      leaseUntil,
    };
    try {
      this.current = await writeFenced(this.item, next, this.environment, this.terms.deadline);
    } catch (error) {
      this.lost = error;
      throw error;
    }
    return this.current;
  }
}
