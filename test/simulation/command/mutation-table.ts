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
  const caught = await sweep({ from: 1, to: mutation.within, mutation, ...(workers && { workers }) });
  if (caught === undefined) return undefined;
  const { violation } = await run({ seed: caught.seed });
  if (violation !== undefined) throw new Error(`seed ${caught.seed} fails without "${mutation.name}" too`);
  return caught;
}

/** Answers whether every mutation was caught. */
export async function catchMutations(print: (line: string) => void, workers?: number): Promise<boolean> {
  const table = new Table({
    head: ['mutation', 'caught by seed', 'within', 'invariant'],
    style: { head: [], border: [], compact: true },
  });
  let missed = 0;
  for (const mutation of MUTATIONS) {
    const caught = await catching(mutation, workers);
    if (caught === undefined) missed += 1;
    print(`${mutation.name}: ${caught ? `seed ${caught.seed}` : 'NOT CAUGHT'}`);
    table.push([mutation.name, caught?.seed ?? 'none', mutation.within, caught?.violation?.invariant ?? '']);
  }
  print(table.toString());
  print(`${MUTATIONS.length} mutations, ${MUTATIONS.length - missed} caught`);
  return missed === 0;
}
