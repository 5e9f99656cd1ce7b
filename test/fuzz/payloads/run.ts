import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { Body } from './bodies.ts';
import { bodyOf } from './bodies.ts';
import { CountingServer } from './counting-server.ts';
import { type Finding, findingsOf } from './findings.ts';
import { Lane, type LaneOptions, type RoundCounts } from './lane.ts';
import { BODY_MESSAGES, KINDS, type TableKind } from './table.ts';

/** Consumers side by side. */
const ROUNDS_AT_ONCE = 4;
/** Bodies of one round of one lane: its payloads are held in memory, and its parts in the table. */
const ROUND_BODIES = 100;
/** Nobody reads more of them. */
const MOST_FINDINGS = 10;

export interface RunOptions {
  readonly clickhouse: { readonly url: string; readonly username: string; readonly password: string };
  readonly payloads: number;
  readonly seed: number;
  /** The number of the first body. */
  readonly from?: number;
  /** One row in so many is compared with what ClickHouse makes of it by itself. */
  readonly sample?: number;
  readonly signal?: AbortSignal;
  onProgress?(summary: Summary): void;
}

export interface Summary extends RoundCounts {
  readonly seed: number;
  /** Requests to ClickHouse, those that only check included. */
  readonly requests: number;
  readonly seconds: number;
  readonly payloadsPerSecond: number;
  /** Partitions that did not come to their end. */
  readonly stuck: number;
  /** Partitions that are stuck among them. */
  readonly differences: number;
  readonly findings: readonly Finding[];
}

/**
 * Bodies of one seed through `consume` into real tables, several consumers side by side, each payload accounted for.
 * Ends early when there is more to report than anybody reads.
 */
export async function fuzzPayloads(options: RunOptions): Promise<Summary> {
  const server = new CountingServer({ ...options.clickhouse, endpoints: [options.clickhouse] });
  const database = `fuzz_${randomUUID().slice(0, 8)}`;
  const run = (sql: string): Promise<string> => server.run({ sql, timeout: 60_000 });
  await run(`CREATE DATABASE ${database}`);
  try {
    return await fuzzIn(database, server, options);
  } finally {
    await run(`DROP DATABASE ${database} SYNC`);
    await server.close();
  }
}

async function fuzzIn(database: string, server: CountingServer, options: RunOptions): Promise<Summary> {
  const { payloads, seed, from = 0, sample = 200, signal } = options;
  const end = from + Math.ceil(payloads / BODY_MESSAGES);
  const began = performance.now();
  const findings: Finding[] = [];
  let counts = NOTHING;
  let stuck = 0;
  let differences = 0;
  const atOnce = pLimit(ROUNDS_AT_ONCE);
  const summary = (): Summary => {
    const seconds = (performance.now() - began) / 1_000;
    return {
      ...counts,
      ...{ seed, requests: server.requests, seconds, stuck, differences, findings },
      payloadsPerSecond: Math.round(counts.payloads / seconds),
    };
  };
  const consumer = async (lane: number): Promise<void> => {
    const place: LaneOptions = { database, table: `lane${lane}`, kind: KINDS[lane] as TableKind, sample };
    const mine = bodiesOf(lane, seed, from, end);
    let opened: Lane | undefined;
    const next = async (): Promise<boolean> => {
      if (findings.length >= MOST_FINDINGS || signal?.aborted) return false;
      const bodies = [...take(mine, ROUND_BODIES)];
      if (bodies.length === 0) return false;
      opened ??= await Lane.open(server, place);
      const round = await opened.round(bodies);
      counts = sum(counts, round.counts);
      if (round.stuck !== undefined) stuck += 1;
      differences += round.differences.length + (round.stuck === undefined ? 0 : 1);
      findings.push(...(await findingsOf(opened, bodies, round)));
      options.onProgress?.(summary());
      return true;
    };
    while (await atOnce(next));
  };
  await Promise.all(KINDS.map((_, lane) => consumer(lane)));
  return summary();
}

/** Those of the kind of table that the lane has. */
function* bodiesOf(lane: number, seed: number, from: number, end: number): Generator<Body> {
  for (let number = from; number < end; number++) {
    if (number % KINDS.length === lane) yield bodyOf(seed, number);
  }
}

function* take<T>(values: Iterator<T>, most: number): Generator<T> {
  for (let taken = 0; taken < most; taken++) {
    const { value, done } = values.next();
    if (done) return;
    yield value;
  }
}

const NOTHING: RoundCounts = {
  ...{ bodies: 0, payloads: 0, rows: 0, deadLetters: 0, filtered: 0 },
  ...{ refused: 0, bodiesWithRefused: 0, alone: 0, vouched: 0 },
  ...{ kernel: 0, unusual: 0, json: 0 },
};

function sum(one: RoundCounts, other: RoundCounts): RoundCounts {
  const names = Object.keys(NOTHING) as (keyof RoundCounts)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as unknown as RoundCounts;
}
