/** What one reading process took for the backlog. CPU is user and system time of the process, its start included. */
export interface Measured {
  readonly messages: number;
  /** Of the payloads: the same for every reader, or one of them did not read what the others did. */
  readonly bytes: number;
  /** From before the connection to the last message. */
  readonly milliseconds: number;
  /** From before the connection to the first entry. */
  readonly firstEntryMilliseconds: number;
  readonly cpuMicroseconds: number;
}

/** Medians over the runs of one reader. */
export interface Result {
  /** From the first entry on: starting and connecting are told apart, as a JVM loads its classes meanwhile. */
  readonly messagesPerSecond: number;
  readonly cpuMicrosPerMessage: number;
  readonly firstEntryMilliseconds: number;
}

export function resultOf(runs: readonly Measured[]): Result {
  return {
    messagesPerSecond: Math.round(
      median(runs.map((run) => (1000 * run.messages) / (run.milliseconds - run.firstEntryMilliseconds))),
    ),
    cpuMicrosPerMessage: round(median(runs.map((run) => run.cpuMicroseconds / run.messages)), 3),
    firstEntryMilliseconds: round(median(runs.map((run) => run.firstEntryMilliseconds)), 1),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
