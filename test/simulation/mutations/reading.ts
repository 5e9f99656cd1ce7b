import type { Mutation } from './mutation.ts';

const ENTRIES = 'lib/consume/entry-source.ts';

/** Mistakes in what an entry that cannot be read, or does not come, leads to. */
export const READING_MUTATIONS: readonly Mutation[] = [
  {
    name: 'what was pulled before an entry that cannot be read is thrown away',
    within: 500,
    given: ['unreadable'],
    patches: [
      {
        file: 'lib/consume/pump.ts',
        find: 'if (batch) await this.intendAndStore(batch);',
        replace: "if (batch && cut !== 'broken') await this.intendAndStore(batch);",
      },
    ],
  },
  {
    name: 'a halt does not name the entry that cannot be read',
    within: 500,
    given: ['unreadable'],
    patches: [
      {
        file: 'lib/consume/consume.ts',
        find: 'position: positionOf(error) ?? state.committed',
        replace: 'position: state.committed',
      },
    ],
  },
  {
    name: 'a partition is drained when nothing came for two seconds',
    within: 500,
    given: ['broker-silent'],
    patches: [
      { file: ENTRIES, find: 'if (onlyMarkers === true)', replace: 'if (onlyMarkers !== undefined)' },
    ],
  },
];
