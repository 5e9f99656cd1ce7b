import type { Random } from './random.ts';

/** Something that will happen. Cancelled, it is dropped without a trace. */
export interface Happening {
  readonly at: number;
  readonly order: number;
  readonly label: string;
  readonly happen: () => void;
  cancelled: boolean;
}

/** Where the virtual clock starts: a plausible instant, so that durations and instants cannot be mistaken for each other. */
export const BEGINNING = Date.UTC(2026, 0, 1);

/**
 * The only thing that makes anything happen. Happenings of the same millisecond come in an order drawn from the seed;
 * after each one every promise that can settle has settled before the next begins.
 */
export class Scheduler {
  /** Milliseconds since the epoch: the true time, which no invocation and no server sees unskewed. */
  now = BEGINNING;
  steps = 0;
  /** FNV-1a over every line of the trace: the same seed gives the same hash. */
  hash = 0x811c_9dc5;
  private readonly heap: Happening[] = [];
  private readonly random: Random;
  private readonly trace: ((line: string) => void) | undefined;

  constructor(random: Random, trace?: (line: string) => void) {
    this.random = random;
    this.trace = trace;
  }

  after(milliseconds: number, label: string, happen: () => void): Happening {
    const at = this.now + Math.max(0, Math.ceil(milliseconds));
    const happening = { at, order: this.random.next(), label, happen, cancelled: false };
    this.push(happening);
    return happening;
  }

  /** Runs until nothing is left to happen, the clock reaches `end`, or `until` says so. */
  async run(end: number, until: () => boolean = () => false): Promise<void> {
    for (;;) {
      const next = this.heap[0];
      if (until()) return;
      if (next === undefined || next.at > end) {
        if (Number.isFinite(end)) this.now = end;
        return;
      }
      this.pop();
      if (next.cancelled) continue;
      this.now = Math.max(this.now, next.at);
      this.steps += 1;
      this.note(next.label);
      next.happen();
      await everyPromiseSettled();
    }
  }

  /** A line of the trace, part of the hash. */
  note(line: string): void {
    let hash = this.hash ^ (this.now - BEGINNING);
    for (let at = 0; at < line.length; at += 1) hash = Math.imul(hash ^ line.charCodeAt(at), 0x0100_0193);
    this.hash = hash >>> 0;
    this.trace?.(`${((this.now - BEGINNING) / 1000).toFixed(3).padStart(9)}  ${line}`);
  }

  private push(happening: Happening): void {
    const { heap } = this;
    let at = heap.length;
    heap.push(happening);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(happening, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = happening;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let smallest = heap[child];
      if (smallest === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, smallest)) {
        child += 1;
        smallest = right;
      }
      if (!isBefore(smallest, last)) break;
      heap[at] = smallest;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * Node turns to the nextTick queue only once no microtask is left, so this resolves when every promise that could settle
 * has settled, at a tenth of the cost of a turn of the event loop.
 */
function everyPromiseSettled(): Promise<void> {
  return new Promise((resolve) => {
    queueMicrotask(() => process.nextTick(resolve));
  });
}
