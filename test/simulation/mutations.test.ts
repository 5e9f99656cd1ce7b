import { expect, test } from 'vitest';
import { catching } from './command/mutation-table.ts';
import { patchedText } from './mutations/bundle.ts';
import { MUTATIONS } from './mutations/mutations.ts';

/** A simulation that cannot fail shows nothing: each of these mistakes must be seen within the seeds it states. */
test.each(MUTATIONS.map((mutation) => ({ ...mutation })))('catches: $name', async (mutation) => {
  const caught = await catching(mutation);
  expect(caught?.violation).toBeDefined();
});

test('a mutation whose text is no longer in the protocol is an error, not a pass', () => {
  const patch = { file: 'lib/a.ts', find: 'await x(y);', replace: '' };
  expect(patchedText('a\nawait\n  x(y);', patch)).toBe('a\n');
  expect(() => patchedText('await x(z);', patch)).toThrow('lib/a.ts has 0 times');
  expect(() => patchedText('await x(y); await x(y);', patch)).toThrow('lib/a.ts has 2 times');
});
