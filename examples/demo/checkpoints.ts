import type { CycleResult } from '../../lib/checkpoint/cycle.ts';
import type { Environment } from '../../lib/ports/environment.ts';
import { type FunctionPlace, startFunction } from '../support/function-process.ts';

const EVERY = 2_000;

/** The cycle on its schedule, each time as a process of its own. */
export class Checkpoints {
  readonly #place: FunctionPlace;
  readonly #environment: Environment;
  readonly #tell: (line: string) => void;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  taken = 0;
  acknowledged = 0;

  constructor(place: FunctionPlace, environment: Environment, tell: (line: string) => void) {
    this.#place = place;
    this.#environment = environment;
    this.#tell = tell;
  }

  start(): void {
    this.#running = this.#schedule();
  }

  /** Ends the schedule; harmless when it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Ends the schedule and takes a last checkpoint, of everything. */
  async finish(): Promise<void> {
    await this.stop();
    await this.#take();
  }

  async #schedule(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#environment.sleep(EVERY, this.#stop.signal);
      if (!this.#stop.signal.aborted) await this.#take();
    }
  }

  async #take(): Promise<void> {
    const cycle = await startFunction(this.#place, ['checkpoint']);
    const result = await cycle.answer<CycleResult>();
    if (result.outcome !== 'completed') return;
    this.taken += 1;
    this.acknowledged += result.acknowledgedMessages;
    this.#tell(
      `Checkpoint ${result.checkpoint}: Flushed ${result.flushedRows} records to ClickHouse; Acknowledged ${result.acknowledgedMessages} messages`,
    );
  }
}
