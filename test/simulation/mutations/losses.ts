import { ALL_CONDITIONS } from '../fakes/state-item.ts';
import type { Mutation } from './mutation.ts';

const SNAPSHOT = 'lib/checkpoint/take-checkpoint.ts';
const CYCLE = 'lib/checkpoint/cycle.ts';
const SOUND = 'lib/consume/sound-state.ts';
const ACKNOWLEDGE = 'lib/checkpoint/acknowledge.ts';
const EARLIEST = 'lib/replay/reset/earliest.ts';

/** Mistakes in noticing, and in putting right, what befell one system alone: state, snapshots, table, cursor or topic. */
export const LOSS_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a write does not say which state it follows',
    within: 2_000,
    given: ['state-back', 'freeze', 'double-invocations'],
    conditions: { ...ALL_CONDITIONS, follows: false },
  },
  {
    name: 'a state put back is not noticed by the rows above it',
    within: 2_000,
    given: ['state-back'],
    patches: [{ file: SOUND, find: 'if (rows === 0) return;', replace: 'return;' }],
  },
  {
    name: 'a cycle goes on with states older than its latest snapshot',
    within: 2_000,
    given: ['state-back'],
    patches: [CYCLE, SNAPSHOT].map((file) => ({
      file,
      find: 'if (previous) assertCovered(previous.snapshot, states);',
      replace: '',
    })),
  },
  {
    name: 'a cycle put back below the snapshots goes on',
    within: 2_000,
    given: ['state-back'],
    patches: [
      {
        file: CYCLE,
        find: 'const known = await assertNotBehindSnapshots(context);',
        replace: 'const known: readonly number[] = [];',
      },
    ],
  },
  {
    name: "a snapshot's hash is not checked",
    within: 2_000,
    patches: [
      {
        file: 'lib/checkpoint/snapshot.ts',
        find: 'hash === undefined || json === undefined || hashOf(json) !== hash',
        replace: 'hash === undefined || json === undefined',
      },
    ],
  },
  {
    name: 'a restore does not outlive earlier writers',
    within: 2_000,
    given: ['state-gone'],
    patches: [
      {
        file: 'lib/replay/restore/restore.ts',
        find: 'await outliveEarlierWriters(dependencies, Math.min(run.lostAt ?? startedAt, startedAt), deadline);',
        replace: '',
      },
    ],
  },
  {
    name: 'a table truncated under its writers is not noticed',
    within: 2_000,
    given: ['table-truncated'],
    patches: [
      {
        file: SOUND,
        find: 'if (!partsGone(then, now) || totals.rows === 0) return undefined;',
        replace: 'if (totals.rows >= 0) return undefined;',
      },
    ],
  },
  {
    name: 'another table of the same name is not noticed',
    within: 2_000,
    given: ['table-back'],
    patches: [{ file: SOUND, find: 'return now.table === then.table ?', replace: 'return now !== then ?' }],
  },
  {
    name: 'a cursor that somebody else moved is not noticed',
    within: 2_000,
    given: ['cursor-moved'],
    patches: [
      {
        file: 'lib/checkpoint/cursor-ahead.ts',
        find: 'if (markDelete.entry !== -1 && isAfter(markDelete, told)) throw',
        replace: 'if (markDelete.entry < -1) throw',
      },
    ],
  },
  {
    name: 'a cursor is taken for ours wherever we are about to move it',
    within: 2_000,
    given: ['cursor-moved'],
    patches: [
      {
        file: ACKNOWLEDGE,
        find: 'assertNotAhead(allowed, found);',
        replace: 'assertNotAhead(laterOf(allowed, committed), found);',
      },
    ],
  },
  {
    name: 'another topic in the place of ours is not noticed by its identity',
    within: 2_000,
    given: ['topic-replaced'],
    patches: [
      {
        file: SOUND,
        find: 'if (found === undefined || found === known) return;',
        replace: 'if (found) return;',
      },
    ],
  },
  {
    name: 'another topic in the place of ours is not noticed by its older ledgers',
    within: 2_000,
    given: ['topic-replaced'],
    patches: [
      {
        file: SOUND,
        find: 'if (!endsBefore(last, committed)) return last;',
        replace: 'if (last) return last;',
      },
    ],
  },
  {
    name: 'what a consumer read of a new topic before anybody noticed stands in the way of its beginning',
    within: 2_000,
    given: ['topic-replaced'],
    patches: [
      {
        file: EARLIEST,
        find: 'return isSamePosition(position, committed) && publishTime === committedPublishTime;',
        replace: 'return publishTime < 0;',
      },
    ],
  },
  {
    name: "another cluster's ids taken for those of a new topic that was read already",
    within: 2_000,
    given: ['topic-replaced'],
    patches: [
      {
        file: EARLIEST,
        find: 'return isSamePosition(position, committed) && publishTime === committedPublishTime;',
        replace: 'return publishTime > 0;',
      },
    ],
  },
  {
    name: 'a reset onto a new topic that was cut off is not gone on with',
    within: 2_000,
    given: ['topic-replaced', 'broker-lost'],
    patches: [
      {
        file: EARLIEST,
        find: 'const part = begun.find(({ partition }) => partition === state.partition);',
        replace: 'const part = begun.find(({ partition }) => partition < 0);',
      },
    ],
  },
  {
    name: 'a restore uses a number again whose snapshot was lost',
    within: 2_000,
    given: ['state-back'],
    patches: [
      {
        file: 'lib/replay/restore/claim.ts',
        find: 'Math.max(newest, opened) + 1',
        replace: 'newest + 1',
      },
    ],
  },
  {
    name: 'an audit compares how many rows an entry has, and not which',
    within: 500,
    patches: [
      {
        file: 'lib/replay/comparison/findings.ts',
        find: '&& indexHash === hashOfSet(set, first)',
        replace: '&& indexHash !== -1n && first !== undefined',
      },
    ],
  },
  {
    name: 'what views lack after an insert that failed is not noted',
    within: 500,
    given: ['view-fails'],
    patches: [
      {
        file: 'lib/consume/settle.ts',
        find: 'if (rows > 0) await noteViewGap(',
        replace: 'if (rows < 0) await noteViewGap(',
      },
    ],
  },
  {
    name: 'what views may lack after an insert that nobody saw end is not noted',
    within: 1_000,
    given: ['view-fails', 'crash'],
    patches: [
      {
        file: 'lib/consume/view-gaps.ts',
        find: "if (outcome?.kind === 'stored') return;",
        replace: "if (outcome?.kind !== 'answered') return;",
      },
    ],
  },
];
