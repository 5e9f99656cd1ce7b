import type { Environment } from '../../lib/ports/environment.ts';
import type { Link, Reply } from './link.ts';
import type { Random } from './random.ts';
import type { Happening, Scheduler } from './scheduler.ts';

/** How likely an invocation dies or freezes each time something reaches it. */
export interface InvocationFaults {
  crash: number;
  freeze: number;
  /** Milliseconds a freeze lasts at most: long ones outlive the lease and make a zombie. */
  freezeUpTo: number;
}

export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly invocationFaults: InvocationFaults;
  nextId(): string;
  /** Names of those that died where a successor can see it. */
  readonly seenDead: Set<string>;
}

/** Every other one runs on a machine where its successors run too; of the others nothing is ever known. */
function isSeen(name: string): boolean {
  return Number(/#(\d+)$/.exec(name)?.[1] ?? 0) % 2 === 0;
}

/**
 * One running function. Whatever reaches it (replies, timers) comes through `deliver`, so it can be ended or frozen at
 * every await: dead, none of its promises ever settles again; frozen, they settle when it wakes.
 */
export class Invocation {
  readonly name: string;
  readonly environment: Environment;
  dead = false;
  private ended = false;
  private wakesAt = 0;
  private readonly surroundings: Surroundings;
  /** Milliseconds its clock is ahead of the true one. */
  private readonly skew: number;

  constructor(name: string, surroundings: Surroundings, skew: number) {
    this.name = name;
    this.surroundings = surroundings;
    this.skew = skew;
    this.environment = {
      now: () => this.now(),
      sleep: (milliseconds, signal) => this.sleep(milliseconds, signal),
      turn: () => this.sleep(0),
      random: () => surroundings.random.next(),
      uniqueId: () => surroundings.nextId(),
      isDead: (owner) => surroundings.seenDead.has(owner.split('/')[0] ?? ''),
    };
  }

  get scheduler(): Scheduler {
    return this.surroundings.scheduler;
  }

  now(): number {
    return this.surroundings.scheduler.now + this.skew;
  }

  crash(): void {
    this.dead = true;
    if (isSeen(this.name)) this.surroundings.seenDead.add(this.name);
  }

  /** It returned: what it sent still arrives, what comes back reaches nobody. */
  end(): void {
    this.ended = true;
  }

  freeze(milliseconds: number): void {
    this.wakesAt = Math.max(this.wakesAt, this.surroundings.scheduler.now + milliseconds);
  }

  /** Something reaches the invocation after `milliseconds`, or when it wakes, or never. */
  deliver(milliseconds: number, label: string, receive: () => void): Happening {
    const { scheduler } = this.surroundings;
    return scheduler.after(milliseconds, label, () => this.receive(label, receive));
  }

  private receive(label: string, receive: () => void): void {
    const { scheduler, random, invocationFaults } = this.surroundings;
    if (this.dead || this.ended) return;
    if (scheduler.now < this.wakesAt) {
      this.deliver(this.wakesAt - scheduler.now, label, receive);
      return;
    }
    if (random.chance(invocationFaults.crash)) {
      scheduler.note(`${this.name} dies`);
      this.crash();
      return;
    }
    if (random.chance(invocationFaults.freeze)) {
      const { freezeUpTo } = invocationFaults;
      const milliseconds = random.chance(0.5) ? freezeUpTo : random.between(1, freezeUpTo);
      scheduler.note(`${this.name} freezes for ${milliseconds}`);
      this.freeze(milliseconds);
      this.deliver(milliseconds, label, receive);
      return;
    }
    receive();
  }

  /**
   * Asks a server and waits for its answer until `deadline`, by this invocation's clock. `serve` takes effect when the
   * request arrives, which may be after the deadline, twice, or never.
   */
  call<T>(link: Link, operation: string, deadline: number, serve: () => T): Promise<T> {
    return this.callSlow(link, operation, deadline, (respond) => respond(outcomeOf(serve)));
  }

  /** As `call`, where the server takes its time: it responds when it is done, or never. */
  callSlow<T>(
    link: Link,
    operation: string,
    deadline: number,
    serve: (respond: (reply: Reply<T>) => void) => void,
  ): Promise<T> {
    if (!Number.isFinite(deadline)) throw new Error(`${operation} was called without a deadline`);
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const label = `${this.name} ${operation}`;
      const settle = (answer: () => void): void => {
        if (settled) return;
        settled = true;
        giveUp.cancelled = true;
        answer();
      };
      const giveUp = this.deliver(deadline - this.now(), `${label}: gives up`, () =>
        settle(() => reject(link.noAnswer(`${operation}: no answer in time`))),
      );
      link.carry(this, label, serve, (delay, reply) => {
        if (settled) return;
        this.deliver(delay, `${label}: ${'value' in reply ? 'answered' : 'failed'}`, () =>
          settle(() => ('value' in reply ? resolve(reply.value) : reject(reply.error))),
        );
      });
    });
  }

  /** Tells a server something and waits for no answer. */
  send(link: Link, operation: string, serve: () => void): void {
    link.carry<undefined>(
      this,
      `${this.name} ${operation}`,
      () => serve(),
      () => {},
    );
  }

  private sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.deliver(milliseconds, `${this.name} wakes`, () => {
        signal?.removeEventListener('abort', wake);
        resolve();
      });
      const wake = (): void => {
        timer.cancelled = true;
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
    });
  }
}

function outcomeOf<T>(serve: () => T): Reply<T> {
  try {
    return { value: serve() };
  } catch (error) {
    return { error };
  }
}
