import { expect } from 'vitest';
import { test } from '../../support/place.ts';
import { prepare } from './subject.ts';

test('run ends with what cannot pass, at once and whatever else it runs', async ({ place, signal }) => {
  const { commands, ddl } = await prepare(place, signal);
  expect(await commands.run('run')).toMatchObject({
    code: 1,
    answer: { error: { code: 'PH_STATE_MISSING' } },
  });
  await commands.run('init', '--ddl', ddl);
  const other = await prepare(place, signal, { name: 'others' });
  const both = await commands.run('run', '--config', other.file);
  expect(both).toMatchObject({ code: 1, answer: { error: { code: 'PH_STATE_MISSING' } } });
  expect(both.said).not.toContain('is tried again');
});
