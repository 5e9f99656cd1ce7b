import { type FunctionPlace, type FunctionProcess, startFunction } from '../support/function-process.ts';

/** One consumer process for each partition, and a new one in the place of one that ended. */
export class Consumers {
  readonly #place: FunctionPlace;
  readonly #processes: FunctionProcess[] = [];
  #stopping = false;

  constructor(place: FunctionPlace) {
    this.#place = place;
  }

  async start(partitions: number): Promise<void> {
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    await Promise.all(numbers.map((partition) => this.#run(partition)));
  }

  pidOf(partition: number): number {
    const found = this.#processes[partition];
    if (!found) throw new Error(`partition ${partition} has no consumer`);
    return found.pid;
  }

  /** SIGTERM: each flushes, commits and gives its lease back. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const process of this.#processes) process.end();
    await Promise.all(this.#processes.map((process) => process.ended));
  }

  async #run(partition: number): Promise<void> {
    const started = await startFunction(this.#place, [
      'consume',
      ...['--partition', String(partition), '--until', 'stopped'],
    ]);
    this.#processes[partition] = started;
    void started.ended.then(() => (this.#stopping ? undefined : this.#run(partition)));
  }
}
