import { expect } from 'vitest';
import { test } from '../../support/place.ts';
import { prepare } from './subject.ts';

const refusal = (code: number, error: string, nextStep: unknown = expect.any(String)) => ({
  code,
  answer: { error: { code: error, nextStep } },
});

test('what there is not is refused by its name, and with what there is', async ({ place, signal }) => {
  const { commands, ddl } = await prepare(place, signal);
  await commands.run('init', '--ddl', ddl);
  for (const words of [
    ['consume'],
    ['resume'],
    ['redrive'],
    ['replay'],
    ['offsets', 'set', '--to', 'latest'],
  ]) {
    expect(await commands.run(...words, '--partition', '7'), words[0]).toMatchObject(
      refusal(2, 'PH_RANGE_INVALID', expect.stringContaining('pulsehouse status')),
    );
  }
  const asked = [
    ['audit', '--since', '9'],
    ['replay', '--from', '9'],
    ['restore', '--to', '9'],
  ];
  for (const words of asked) {
    expect(await commands.run(...words), words[0]).toMatchObject(
      refusal(1, 'PH_SNAPSHOT_MISSING', expect.stringContaining('none at all yet')),
    );
  }
  await commands.run('checkpoint');
  for (const words of asked) {
    expect(await commands.run(...words), words[0]).toMatchObject(
      refusal(1, 'PH_SNAPSHOT_MISSING', expect.stringContaining('1 to 1')),
    );
  }
});
