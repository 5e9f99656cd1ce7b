import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alarms } from '../../../infra/template/alarms.ts';
import { EXIT } from '../../../lib/cli/exit-codes.ts';
import { ERROR_CODES } from '../../../lib/pipeline/error-codes.ts';

const handbook = await readFile(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
const headings = handbook.match(/(?<=^#{3,4} )PH_\w+$/gm) ?? [];

describe('docs/operations.md', () => {
  test('has one section for each error code, and none for another', () => {
    expect(headings.toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });

  test('has the codes that halt a partition under Halts', () => {
    const halts = handbook.slice(handbook.indexOf('## Halts'), handbook.indexOf('## Errors'));
    const halting = Object.entries(ERROR_CODES).flatMap(([code, entry]) => ('halts' in entry ? [code] : []));
    for (const code of halting) expect(halts).toContain(`### ${code}\n`);
  });

  test('names every exit code', () => {
    for (const code of Object.values(EXIT)) expect(handbook).toContain(`\n| ${code} | `);
  });

  test('speaks of every alarm', () => {
    const rings = handbook.slice(handbook.indexOf('## When an alarm rings'), handbook.indexOf('## Halts'));
    const pipeline = {
      name: 'iot',
      checkpoint: { interval: 60_000 },
      audit: { interval: 60_000 },
    } as Parameters<typeof alarms>[0][number];
    const deployed = alarms([pipeline], { service: 's', stage: 't', alarmTopicArn: '' } as Parameters<
      typeof alarms
    >[1]);
    const ids = Object.keys(deployed).map((id) => id.replace(/^Iot/, '').replace(/Alarm$/, ''));
    expect(ids.length).toBeGreaterThan(5);
    for (const id of ids) expect(rings).toContain(`**${id}.**`);
  });
});
