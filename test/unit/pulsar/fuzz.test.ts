import { expect, it } from 'vitest';
import { WIRE_TARGETS } from '../../fuzz/wire-targets.ts';

// Briefly here; for as long as one likes with `npm run fuzz -- --minutes 60`.
it.each(WIRE_TARGETS)('$name: every input ends in a value or an error of ours', ({ find }) => {
  expect(find(500)).toBeUndefined();
});
