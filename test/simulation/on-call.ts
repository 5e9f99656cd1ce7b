import type { ErrorCode } from '../../lib/pipeline/error-codes.ts';
import { Operator, type Step } from './operator.ts';
import type { World } from './world.ts';

/** What to do about a code: the commands its next step names, if anything is left to do. */
export type RunBook = ReadonlyMap<ErrorCode, () => readonly Step[]>;

/** Somebody who is told of every halt, and of cycles that cannot go on, and does what the run book says. */
export class OnCall {
  private readonly world: World;
  private readonly runBook: RunBook;
  private atWork = false;

  constructor(world: World, runBook: RunBook) {
    this.world = world;
    this.runBook = runBook;
  }

  told(code: string): void {
    const { world } = this;
    const steps = world.expected.has(code) ? this.runBook.get(code as ErrorCode)?.() : undefined;
    if (steps === undefined || steps.length === 0 || this.atWork) return;
    this.atWork = true;
    world.unrest += 1;
    const reaction = world.random.pick([0, 1_000, 20_000]);
    world.scheduler.after(world.random.between(0, reaction), `somebody looks at ${code}`, () => {
      world.unrest -= 1;
      this.work(steps);
    });
  }

  /** A step refused for good (there is nothing to restore, say) leaves what resumes. */
  private work(steps: readonly Step[]): void {
    new Operator(this.world, steps, (refused) => {
      const last = steps.at(-1);
      if (refused && steps.length > 1 && last) {
        this.work([last]);
        return;
      }
      this.atWork = false;
      this.lookAgain();
    });
  }

  /** What halted meanwhile. */
  private lookAgain(): void {
    const { table, scenario } = this.world;
    const halted = table.partitions(scenario.pipeline.name).find((state) => state.halted !== undefined);
    if (halted?.halted !== undefined) this.told(halted.halted.code);
  }
}
