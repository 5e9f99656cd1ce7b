import type { ServerFaults } from './fakes/clickhouse.ts';
import type { InvocationFaults } from './invocation.ts';
import { type LinkFaults, NO_FAULTS } from './link.ts';
import type { Random } from './random.ts';

/** What makes somebody act by hand: at most one of them in a run. */
export const BY_HAND = [
  'reset',
  'rollback',
  'state-gone',
  'state-back',
  'rows-gone',
  'table-truncated',
  'table-back',
  'cursor-moved',
  'topic-replaced',
  'dead-letters-halt',
  'verify',
  'audit',
  'unreadable',
  'replace',
  'redrive',
] as const;

/**
 * Every kind of trouble a run can have. Each seed draws some of them and leaves the rest out: a run with everything at
 * once drowns the rare sequence that one fault alone would have led to.
 */
const DRAWN = [
  'crash',
  'freeze',
  'late-cycles',
  'double-invocations',
  'client-clocks',
  'state-lost',
  'state-slow',
  'state-twice',
  'state-turned-away',
  'objects-lost',
  'objects-slow',
  'broker-lost',
  'broker-slow',
  'broker-silent',
  'unload',
  'partition-away',
  'broker-crash',
  'trim',
  'markers',
  'new-partition',
  'table-lost',
  'table-slow',
  'mapping-changed',
  'table-restart',
  'table-clock',
  'slow-insert',
  'fail-midway',
  'busy',
  'view-fails',
  'outage',
  'small-window',
  'no-window',
  'several-days',
  'bad-messages',
  'follow',
  'snapshot-gone',
  'snapshot-corrupt',
  ...BY_HAND,
] as const;

/** Invocations of two versions side by side, and pipelines with a condition, are drawn apart from the others. */
export const FAULTS = [...DRAWN, 'two-versions', 'where'] as const;

/** Those after which Pulsar must still have what was read: their topics have a retention policy. */
const READ_AGAIN: readonly Fault[] = [
  'reset',
  'rows-gone',
  'table-truncated',
  'table-back',
  'topic-replaced',
  'replace',
];
/** Those about messages that cannot become rows. */
const ABOUT_DEAD_LETTERS: readonly Fault[] = ['dead-letters-halt', 'redrive'];
/** Where a snapshot may be damaged as well: elsewhere a person would first bring it back. */
const SNAPSHOT_DAMAGED_TOO: readonly Fault[] = ['state-gone', 'state-back', 'verify'];

export type Fault = (typeof FAULTS)[number];

export type FaultSet = ReadonlySet<Fault>;

export function isFault(name: string): name is Fault {
  return (FAULTS as readonly string[]).includes(name);
}

/** Those `given` are among them, whatever is drawn. */
export function drawFaults(random: Random, given: readonly Fault[] = []): Set<Fault> {
  const share = random.pick([0.15, 0.3, 0.3, 0.5]);
  const faults = new Set<Fault>(DRAWN.filter(() => random.chance(share)));
  for (const fault of BY_HAND) faults.delete(fault);
  for (const fault of given) faults.add(fault);
  const asked = BY_HAND.find((fault) => given.includes(fault));
  if (asked === undefined && random.chance(0.3)) return faults;
  const byHand = asked ?? random.pick(BY_HAND);
  faults.add(byHand);
  // A moved cursor does its own trimming.
  if (READ_AGAIN.includes(byHand) || byHand === 'cursor-moved') faults.delete('trim');
  // Other writers of a table that was put back hide that it was.
  if (byHand === 'table-truncated' || byHand === 'table-back') faults.delete('small-window');
  // A server that starts with an empty table numbers its blocks from the beginning: then others hide it, too.
  if (byHand === 'table-truncated') faults.delete('table-restart');
  // One that another cluster's topic has more is that pipeline's.
  if (byHand === 'topic-replaced') faults.delete('new-partition');
  if (ABOUT_DEAD_LETTERS.includes(byHand)) faults.add('bad-messages');
  if (!SNAPSHOT_DAMAGED_TOO.includes(byHand)) {
    faults.delete('snapshot-gone');
    faults.delete('snapshot-corrupt');
  }
  return faults;
}

export function invocationFaults(faults: FaultSet, random: Random): InvocationFaults {
  return {
    crash: faults.has('crash') ? random.pick([0.002, 0.01, 0.03]) : 0,
    freeze: faults.has('freeze') ? random.pick([0.002, 0.01, 0.03]) : 0,
    freezeUpTo: random.pick([3_000, 30_000, 90_000]),
  };
}

export function linkFaults(
  faults: FaultSet,
  random: Random,
  names: { readonly lost: Fault; readonly slow: Fault; readonly twice?: Fault; readonly turnedAway?: Fault },
): LinkFaults {
  const if_ = (name: Fault | undefined, rates: readonly [number, ...number[]]): number =>
    name !== undefined && faults.has(name) ? random.pick(rates) : 0;
  return {
    ...NO_FAULTS,
    lost: if_(names.lost, [0, 0.01, 0.05]),
    replyLost: if_(names.lost, [0.01, 0.05, 0.1]),
    cut: if_(names.slow, [0, 0.02, 0.1]),
    slow: if_(names.slow, [0.02, 0.1]),
    twice: if_(names.twice, [0.02, 0.1]),
    turnedAway: if_(names.turnedAway, [0.01, 0.1]),
    slowUpTo: random.pick([1_000, 8_000, 40_000]),
  };
}

export function serverFaults(faults: FaultSet, random: Random): ServerFaults {
  return {
    insertUpTo: random.pick([10, 100, 1_500]),
    slowInsert: faults.has('slow-insert') ? random.pick([0.05, 0.3]) : 0,
    // No longer than an insert may run while half the token window is enough: see `plan`.
    slowInsertUpTo: random.pick([3_000, 10_000, 20_000]),
    failMidway: faults.has('fail-midway') ? random.pick([0.05, 0.3]) : 0,
    busy: faults.has('busy') ? 0.1 : 0,
    viewFails: faults.has('view-fails') ? random.pick([0.05, 0.4]) : 0,
    rowNotNamed: faults.has('bad-messages') ? random.pick([0, 0.5]) : 0,
    wrongRowNamed: faults.has('bad-messages') ? random.pick([0, 0.3]) : 0,
  };
}

/** How everything behaves once faults have stopped. */
export const CALM_SERVER: ServerFaults = {
  insertUpTo: 10,
  slowInsert: 0,
  slowInsertUpTo: 10,
  failMidway: 0,
  busy: 0,
  viewFails: 0,
  rowNotNamed: 0,
  wrongRowNamed: 0,
};

export const CALM_INVOCATIONS: InvocationFaults = { crash: 0, freeze: 0, freezeUpTo: 0 };
