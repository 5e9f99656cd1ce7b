import { expect } from 'vitest';
import type { Log, LogFields } from '../../../lib/ports/log.ts';
import { test } from '../../support/place.ts';
import { consumeWith, openSubject } from '../replay/subject.ts';

test('a view that fails does not stop the table, and the log says which rows it may lack', async ({
  place,
}) => {
  const subject = await openSubject(place);
  const warned: { readonly message: string; readonly fields: LogFields | undefined }[] = [];
  const quiet = () => undefined;
  const log: Log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (message, fields) => void warned.push({ message, fields }),
    with: () => log,
  };
  await place.query(
    `CREATE MATERIALIZED VIEW ${subject.table}_view ENGINE = MergeTree ORDER BY x AS SELECT throwIf(id = 7) AS x FROM ${subject.table}`,
  );
  await subject.publish(2);
  expect(await consumeWith({ ...subject.dependencies, log })).toMatchObject({ outcome: 'drained', rows: 20 });
  expect(await subject.audit()).toMatchObject({ exact: true, rows: 20 });
  expect(warned).toMatchObject([
    {
      message: expect.stringContaining('may lack its rows'),
      fields: { code: 'PH_INSERT_FAILED', to: expect.stringMatching(/^\d+:1$/) },
    },
  ]);
  await subject.close();
});
