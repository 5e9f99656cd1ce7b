import Table from 'cli-table3';
import type { Mutation } from '../mutations/mutation.ts';
import { MUTATIONS } from '../mutations/mutations.ts';
import { type RunReport, run } from '../run.ts';
import { sweep } from './sweep.ts';

/**
 * The first seed that catches a mutation within the number it states; undefined when none does.
 * @throws Error when that seed fails without the mutation too: then it shows nothing.
 */
export async function catching(mutation: Mutation, workers?: number): Promise<RunReport | undefined> {
  const { within: to, given = [] } = mutation;
  const caught = await sweep({ from: 1, to, mutation, given, ...(workers && { workers }) });
  if (caught === undefined) return undefined;
  const { violation } = await run({ seed: caught.seed, given });
  if (violation !== undefined) throw new Error(`seed ${caught.seed} fails without "${mutation.name}" too`);
  return caught;
}

/** Answers whether every mutation was caught. */
export async function catchMutations(print: (line: string) => void, workers?: number): Promise<boolean> {
  const table = new Table({
    head: ['mutation', 'caught by seed', 'within', 'seen in', 'invariant'],
    style: { head: [], border: [], compact: true },
  });
  let missed = 0;
  for (const mutation of MUTATIONS) {
    const caught = await catching(mutation, workers);
    if (caught === undefined) missed += 1;
    print(`${mutation.name}: ${caught ? `seed ${caught.seed}` : 'NOT CAUGHT'}`);
    const { invariant = '', message = '' } = caught?.violation ?? {};
    table.push([
      mutation.name,
      caught?.seed ?? 'none',
      mutation.within,
      seenIn(invariant, message),
      invariant,
    ]);
  }
  print(table.toString());
  print(`${MUTATIONS.length} mutations, ${MUTATIONS.length - missed} caught`);
  return missed === 0;
}

/** Whether rows or dead letters were lost or doubled, or only a state, a halt or a request was not as it must be. */
function seenIn(invariant: string, message: string): string {
  if (invariant === '') return '';
  return invariant.startsWith('2 ') || /is \d+ rows/.test(message) ? 'rows' : 'state';
}
