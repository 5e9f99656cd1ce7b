import type { Invocation } from './invocation.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** What may happen to a request on its way to one server and back: probabilities, and milliseconds. */
export interface LinkFaults {
  /** The request never arrives. */
  lost: number;
  /** It arrives and takes effect, and the answer never comes back or comes back as an error. */
  replyLost: number;
  /** The sender sees its connection break at once; the request travels on and arrives up to `slowUpTo` later. */
  cut: number;
  /** Either way may take up to `slowUpTo`, long after everybody gave up. */
  slow: number;
  slowUpTo: number;
  /** It arrives twice, the second time much later. */
  twice: number;
  /** It is turned away without effect: throttled, or 503. */
  turnedAway: number;
}

export const NO_FAULTS: LinkFaults = {
  lost: 0,
  replyLost: 0,
  cut: 0,
  slow: 0,
  slowUpTo: 0,
  twice: 0,
  turnedAway: 0,
};

export type Reply<T> = { readonly value: T } | { readonly error: unknown };

/** The way to one server. */
export class Link {
  faults: LinkFaults;
  /** A server that is down turns everything away. */
  up = true;
  /** The error a caller gets that does not know what became of its request. */
  readonly noAnswer: (message: string) => Error;
  private readonly scheduler: Scheduler;
  private readonly random: Random;

  constructor(
    scheduler: Scheduler,
    random: Random,
    faults: LinkFaults,
    noAnswer: (message: string) => Error,
  ) {
    this.scheduler = scheduler;
    this.random = random;
    this.faults = faults;
    this.noAnswer = noAnswer;
  }

  carry<T>(
    sender: Invocation,
    label: string,
    serve: (respond: (reply: Reply<T>) => void) => void,
    answer: (delay: number, reply: Reply<T>) => void,
  ): void {
    const { random, faults } = this;
    if (random.chance(faults.lost)) {
      this.scheduler.note(`${label}: request lost`);
      return;
    }
    const arrive = (answered: boolean): void => {
      // What a process had not yet handed to the network dies with it.
      if (sender.dead && random.chance(0.5)) return;
      if (!this.up || random.chance(this.faults.turnedAway)) {
        if (answered) answer(this.travel(), { error: this.noAnswer(`${label}: turned away`) });
        return;
      }
      serve((reply) => {
        if (answered) this.bringBack(label, reply, answer);
      });
    };
    if (random.chance(faults.cut)) {
      answer(this.travel(), { error: this.noAnswer(`${label}: connection cut`) });
      this.scheduler.after(random.between(1, faults.slowUpTo), `${label} (cut off)`, () => arrive(false));
      return;
    }
    const twice = random.chance(faults.twice);
    // With two copies, the one whose answer counts may be the first or the second: clients re-send too.
    const firstAnswers = !twice || random.chance(0.5);
    this.scheduler.after(this.travel(), label, () => arrive(firstAnswers));
    if (twice) {
      const later = this.travel() + random.between(0, faults.slowUpTo);
      this.scheduler.after(later, `${label} again`, () => arrive(!firstAnswers));
    }
  }

  private bringBack<T>(
    label: string,
    reply: Reply<T>,
    answer: (delay: number, reply: Reply<T>) => void,
  ): void {
    if (!this.random.chance(this.faults.replyLost)) {
      answer(this.travel(), reply);
      return;
    }
    this.scheduler.note(`${label}: reply lost`);
    if (this.random.chance(0.5)) {
      answer(this.travel(), { error: this.noAnswer(`${label}: connection reset`) });
    }
  }

  /** Milliseconds one way. */
  travel(): number {
    const { random, faults } = this;
    return random.chance(faults.slow) ? random.between(1, faults.slowUpTo) : random.between(1, 6);
  }
}
