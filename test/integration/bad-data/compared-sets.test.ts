import { expect } from 'vitest';
import { test } from '../../support/place.ts';
import { openSubject } from '../replay/subject.ts';

test('an audit sees a row that is numbered as another message, though the entry has as many rows as messages', async ({
  place,
}) => {
  const subject = await openSubject(place);
  await subject.publish(5);
  await subject.consumeAll();
  expect(await subject.audit()).toMatchObject({ exact: true, rows: 50 });
  await place.query(
    `ALTER TABLE ${subject.table} UPDATE _index = 500 WHERE id = 7 SETTINGS mutations_sync = 2`,
  );
  expect(await subject.audit()).toMatchObject({
    ...{ exact: false, rows: 50, missing: 1, foreign: 1, doubled: 0 },
    partitions: [{ findingCount: 1, findings: [{ expected: 10, rows: 10, missing: 1, foreign: 1 }] }],
  });
  await subject.close();
});
