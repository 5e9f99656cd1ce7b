import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openStateTable } from '../../../lib/assembly/servers.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { ensureStateTable } from '../../../lib/dynamodb/table-setup.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { restore } from '../../../lib/replay/restore/restore.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import { byHand, openSubject, soon } from './subject.ts';

/** Drops the state table and makes it anew, empty. */
async function loseState(place: Place): Promise<void> {
  const settings = readSettings(place.environment);
  const client = new DynamoDBClient(
    settings.dynamodb.endpoint === undefined ? {} : { endpoint: settings.dynamodb.endpoint },
  );
  await client.send(new DeleteTableCommand({ TableName: settings.dynamodb.table }));
  client.destroy();
  const table = await openStateTable(settings, { environment, log: silentLog });
  await ensureStateTable(table, soon());
  table.client.destroy();
}

describe('restore', () => {
  test('rebuilds a lost state table of 64 partitions and goes on exactly', async ({ place }) => {
    const subject = await openSubject(place, 64);
    await subject.publish(2);
    await subject.consumeAll();
    const { checkpoint } = await subject.cycle();
    await subject.publish(3);
    for (let partition = 0; partition < 20; partition += 1) await subject.consume(partition);
    await loseState(place);
    const begun = environment.now();
    const result = await restore(subject.dependencies, { ...byHand(), lostAt: begun - 60_000 });
    expect(result).toMatchObject({ checkpoint, snapshot: checkpoint + 1 });
    expect(result.partitions.filter(({ messages }) => messages === 30)).toHaveLength(20);
    process.stdout.write(`restored 64 partitions in ${environment.now() - begun} ms\n`);
    await subject.consumeAll();
    await subject.cycle();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 64 * 50, drained: true });
    await subject.close();
  });

  test('makes half a batch beyond the snapshot whole', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(2);
    await subject.consumeAll();
    await subject.cycle();
    await subject.publish(20);
    await subject.consumeAll();
    // As a batch over two table partitions leaves it when its insert is cut off.
    await subject.lose('id BETWEEN 100 AND 112');
    await loseState(place);
    await restore(subject.dependencies, byHand());
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 220 });
    await subject.close();
  });

  test('leaves what was deleted on purpose deleted, and makes the rest whole', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(2);
    await subject.consumeAll();
    await subject.cycle();
    await subject.publish(20);
    await subject.consumeAll();
    const at = await place.query(`SELECT _ledger, _entry FROM ${subject.table} WHERE id = 105 FORMAT TSV`);
    const [ledger = 0, entry = 0] = at.trim().split('\t').map(Number);
    const positions = { after: { ledger, entry: entry - 1 }, to: { ledger, entry } };
    const exclusions = [{ reason: 'erasure request 4711', partition: 0, positions }];
    const pipeline = { ...subject.pipeline, audit: { ...subject.pipeline.audit, exclusions } };
    const dependencies = { ...subject.dependencies, pipeline };
    await subject.lose('id BETWEEN 100 AND 112');
    await loseState(place);
    await restore(dependencies, byHand());
    expect(await subject.count('id BETWEEN 100 AND 109')).toBe(0);
    expect(await audit(dependencies, {}, { deadline: soon() })).toMatchObject({
      ...{ exact: true, missing: 0, excluded: 10, rows: 210 },
    });
    await subject.close();
  });

  test('is refused while the state is there and not behind', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(2);
    await subject.consumeAll();
    await subject.cycle();
    await expect(restore(subject.dependencies, byHand())).rejects.toMatchObject({ code: 'PH_RESET_REFUSED' });
    await subject.close();
  });
});
