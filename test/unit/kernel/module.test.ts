import { expect, it } from 'vitest';
import { MODULE } from '../../../lib/kernel/module.ts';
import { compileKernel } from '../../../scripts/kernel/compile.ts';

it('the committed kernel is what its source compiles to', async () => {
  expect(await compileKernel()).toContain(`'${MODULE}'`);
}, 60_000);
