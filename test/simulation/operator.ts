import { isPulsehouseError, messageOf } from '../../lib/pipeline/errors.ts';
import type { Invocation } from './invocation.ts';
import type { World } from './world.ts';

export interface Attempt {
  readonly invocation: Invocation;
  /** Unique for each attempt. */
  readonly owner: string;
  /** Milliseconds since the epoch, by the invocation's clock. */
  readonly deadline: number;
}

/** One command as a person gives it: again and again, until it says that it is done. */
export interface Step {
  readonly name: string;
  act(attempt: Attempt): Promise<unknown>;
  /** Codes of errors that end the whole script: what was asked for is refused for good. */
  readonly refusedBy?: readonly string[];
}

const ATTEMPT_LASTS = 120_000;

/** A person at a terminal, whose commands are cut off like everything else, and who does not give up. */
export class Operator {
  private readonly world: World;
  private readonly steps: Step[];
  private readonly done: Step[] = [];
  private readonly ended: (refused: boolean) => void;

  /** `ended` is called when every step is done, or one was refused for good: then those after it are left out. */
  constructor(world: World, steps: readonly Step[], ended: (refused: boolean) => void = () => {}) {
    this.world = world;
    this.steps = [...steps];
    this.ended = ended;
    world.unrest += 1;
    this.next();
  }

  private next(): void {
    const [step] = this.steps;
    if (step === undefined) {
      this.world.unrest -= 1;
      this.ended(false);
      return;
    }
    const { world } = this;
    // An outage is for everybody, by hand or not: others may write as much as they like meanwhile (seed 104375).
    if (world.scheduler.now < world.outUntil) {
      world.scheduler.after(world.outUntil - world.scheduler.now, 'the outage is over', () => this.next());
      return;
    }
    const invocation = world.newInvocation(`operator ${step.name}`, false);
    const deadline = invocation.now() + ATTEMPT_LASTS;
    const owner = invocation.name;
    let ended = false;
    const end = (proceed: () => void): void => {
      if (ended) return;
      ended = true;
      invocation.end();
      proceed();
    };
    // A terminal closed, a process killed: before another attempt the person makes sure that the last one is gone.
    world.scheduler.after(ATTEMPT_LASTS + 1_000, `${invocation.name} is given up`, () =>
      end(() => this.again()),
    );
    step.act({ invocation, owner, deadline }).then(
      () => {
        world.scheduler.note(`${invocation.name} is done`);
        end(() => {
          this.steps.shift();
          this.done.push(step);
          this.next();
        });
      },
      (error: unknown) => end(() => this.failed(step, error)),
    );
  }

  private failed(step: Step, error: unknown): void {
    const { world } = this;
    world.scheduler.note(`${step.name} fails: ${messageOf(error)}`);
    if (!isPulsehouseError(error)) {
      world.fail({ invariant: 'no programming error', message: messageOf(error), cause: error });
      return;
    }
    if (step.refusedBy?.includes(error.code)) {
      world.unrest -= 1;
      this.ended(true);
      return;
    }
    // As its next step says: the command before it once more.
    if (error.code === 'PH_RESET_UNFINISHED' || error.code === 'PH_NOT_PAUSED')
      this.steps.unshift(...this.done.splice(-1));
    this.again();
  }

  private again(): void {
    const { world } = this;
    world.scheduler.after(world.random.between(500, 10_000), 'the operator tries again', () => this.next());
  }
}
