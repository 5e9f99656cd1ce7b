import { readFileSync } from 'node:fs';
import type { Sandbox } from '../../test/support/sandbox.ts';
import { cpuMicroseconds } from '../pipeline/server-cpu.ts';
import type { StateTraffic, Traffic } from './state-traffic.ts';

/** One invocation of `checkpoint`. */
export interface Tick {
  readonly outcome: string;
  readonly milliseconds: number;
  readonly cpuMilliseconds: number;
  /** Of the process so far. */
  readonly peakMegabytes: number;
  readonly invoked: number;
  readonly laggards: number;
  /** Requests to the state table by operation, and the bytes of all of them. */
  readonly requests: Readonly<Record<string, number>>;
  readonly kilobytesSent: number;
  readonly kilobytesReceived: number;
}

/** @throws Error when the function fails. */
export async function measureTick(
  sandbox: Sandbox,
  traffic: StateTraffic,
  { pipeline, timeout }: { readonly pipeline: string; readonly timeout: number },
): Promise<Tick> {
  const from = { now: performance.now(), cpu: cpuMicroseconds(sandbox.pid) };
  const answer = await sandbox.invoke({ pipeline }, timeout);
  const milliseconds = Math.round(performance.now() - from.now);
  if (!answer.ok) throw new Error(answer.error);
  const byOperation = traffic.take();
  const { outcome, invoked, laggards } = answer.result;
  return {
    outcome: String(outcome),
    milliseconds,
    cpuMilliseconds: Math.round((cpuMicroseconds(sandbox.pid) - from.cpu) / 1_000),
    peakMegabytes: peakMegabytes(sandbox.pid),
    invoked: lengthOf(invoked),
    laggards: lengthOf(laggards),
    requests: Object.fromEntries(Object.entries(byOperation).map(([name, { requests }]) => [name, requests])),
    kilobytesSent: kilobytes(byOperation, ({ bytesSent }) => bytesSent),
    kilobytesReceived: kilobytes(byOperation, ({ bytesReceived }) => bytesReceived),
  };
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

function kilobytes(
  byOperation: Readonly<Record<string, Traffic>>,
  bytes: (traffic: Traffic) => number,
): number {
  return Math.round(Object.values(byOperation).reduce((sum, one) => sum + bytes(one), 0) / 1_024);
}

/** VmHWM of proc(5), which counts kilobytes. */
function peakMegabytes(pid: number): number {
  const [, kilobytesHeld = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kilobytesHeld) / 1_024);
}
