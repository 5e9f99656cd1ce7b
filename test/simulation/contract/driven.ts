import { CALM_INVOCATIONS, CALM_SERVER } from '../faults.ts';
import { Invocation, type Surroundings } from '../invocation.ts';
import { Link, NO_FAULTS } from '../link.ts';
import { Random } from '../random.ts';
import { Scheduler } from '../scheduler.ts';

const PATIENCE = 60_000;

/** Fakes without faults, on a virtual clock that runs while somebody waits for one of their answers. */
export class Calm {
  readonly random = new Random(1);
  readonly scheduler = new Scheduler(this.random);
  readonly faults = CALM_SERVER;
  readonly invocation: Invocation;
  private ids = 0;

  constructor() {
    const surroundings: Surroundings = {
      scheduler: this.scheduler,
      random: this.random,
      invocationFaults: CALM_INVOCATIONS,
      nextId: () => this.nextId(),
      seenDead: new Set(),
    };
    this.invocation = new Invocation('test', surroundings, 0);
  }

  nextId(): string {
    this.ids += 1;
    return `id${this.ids}`;
  }

  link(): Link {
    return new Link(this.scheduler, this.random, NO_FAULTS, (message) => new Error(message));
  }

  deadline(): number {
    return this.scheduler.now + PATIENCE;
  }

  /** The same port, where each call makes time pass until it is answered. */
  driven<Port extends object>(port: Port): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => this.drive(member.apply(target, given));
      },
    });
  }

  private drive(answer: unknown): unknown {
    if (!(answer instanceof Promise)) return isPort(answer) ? this.driven(answer) : answer;
    let answered = false;
    const settled = answer.finally(() => {
      answered = true;
    });
    const passing = this.scheduler.run(Number.POSITIVE_INFINITY, () => answered);
    return Promise.all([settled, passing]).then(([value]) => (isPort(value) ? this.driven(value) : value));
  }
}

/** A reader or a trial is a port of its own, handed out by another. */
function isPort(value: unknown): value is object {
  return typeof value === 'object' && value !== null && ('poll' in value || 'probe' in value);
}
