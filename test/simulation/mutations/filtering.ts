import type { Mutation } from './mutation.ts';

const CONDITION = 'lib/consume/condition.ts';
const UNMET = 'lib/replay/comparison/unmet-messages.ts';

/** Mistakes in telling what does not meet the pipeline's condition from rows that are missing. */
export const FILTERING_MUTATIONS: readonly Mutation[] = [
  {
    name: 'the most rows that a batch can have are taken for those it has',
    within: 200,
    given: ['where', 'table-lost'],
    patches: [
      {
        file: CONDITION,
        find: 'if (mapping === sink.mapping) return condition?.counted === false;',
        replace: 'if (mapping === sink.mapping) return false;',
      },
    ],
  },
  {
    name: 'rows that stand are judged by a condition that changed since',
    within: 500,
    given: ['where', 'mapping-changed', 'table-lost'],
    patches: [
      {
        file: 'lib/consume/settle.ts',
        find: '(position, index) => has(position, index) || present(position, index)',
        replace: '(position, index) => has(position, index)',
      },
    ],
  },
  {
    name: "an audit judges every batch by today's condition",
    within: 500,
    given: ['where', 'mapping-changed', 'audit'],
    patches: [
      {
        file: UNMET,
        find: 'if (isKnown ? batch.condition?.hash === today : today === undefined) return undefined;',
        replace: 'if (today !== undefined) return undefined;',
      },
    ],
  },
  {
    name: 'a batch of rows by two conditions passes for one of the last',
    within: 2_000,
    given: ['where', 'mapping-changed', 'table-lost', 'audit'],
    patches: [{ file: CONDITION, find: "const MIXED = 'mixed';", replace: "const MIXED = 'second';" }],
  },
  {
    name: 'a reset into the middle of a batch counts its filtered messages as rows',
    within: 500,
    given: ['where', 'reset'],
    patches: [
      {
        file: 'lib/replay/reset/kept.ts',
        find: 'if (below.messages > 0 && cutInTwo && mayBeFiltered(cutInTwo, sink))',
        replace: 'if (below.messages < 0 && cutInTwo && mayBeFiltered(cutInTwo, sink))',
      },
    ],
  },
];
