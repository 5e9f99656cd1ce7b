import Table from 'cli-table3';
import { faultName } from './faults.ts';
import type { RoundResult } from './round.ts';

interface Counts {
  readonly rounds: number;
  readonly lost: number;
  readonly doubled: number;
}

export interface Summary extends Counts {
  /** By the fault's name. */
  readonly faults: Readonly<Record<string, Counts>>;
  /** Over the rounds in which a function was killed or stopped: a server's own restart is not ours to shorten. */
  readonly recoveryMedianSeconds: number;
  readonly recoveryWorstSeconds: number;
}

export function summarise(results: readonly RoundResult[]): Summary {
  const ofFunctions = results
    .filter(({ fault }) => fault.on === 'function')
    .map((one) => one.recoverySeconds);
  const byFault = groups(results, ({ fault }) => faultName(fault));
  return {
    ...counted(results),
    faults: Object.fromEntries([...byFault].map(([name, group]) => [name, counted(group)])),
    recoveryMedianSeconds: rounded(median(ofFunctions)),
    recoveryWorstSeconds: rounded(Math.max(0, ...ofFunctions)),
  };
}

function counted(results: readonly RoundResult[]): Counts {
  return {
    rounds: results.length,
    lost: sum(results.map(({ lost }) => lost)),
    doubled: sum(results.map(({ doubled }) => doubled)),
  };
}

/** One row a fault and point. */
export function asTable(results: readonly RoundResult[]): string {
  const head = ['fault', 'point', 'rounds', 'lost', 'doubled', 'median s', 'worst s'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const [name, group] of groups(results, ({ fault, point }) => `${faultName(fault)}|${point}`)) {
    const seconds = group.map(({ recoverySeconds }) => recoverySeconds);
    const [fault = '', point = ''] = name.split('|');
    const { rounds, lost, doubled } = counted(group);
    table.push([
      fault,
      point,
      rounds,
      lost,
      doubled,
      rounded(median(seconds)),
      rounded(Math.max(...seconds)),
    ]);
  }
  return table.toString();
}

function groups(
  results: readonly RoundResult[],
  nameOf: (result: RoundResult) => string,
): Map<string, RoundResult[]> {
  const found = new Map<string, RoundResult[]>();
  for (const result of results) {
    const name = nameOf(result);
    found.set(name, [...(found.get(name) ?? []), result]);
  }
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b)));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function rounded(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
