import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openBucket, openStateTable } from '../../../lib/assembly/servers.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { snapshotKey } from '../../../lib/checkpoint/snapshot.ts';
import { cycleKey, type ItemKey, partitionKey } from '../../../lib/dynamodb/keys.ts';
import type { PartitionState } from '../../../lib/pipeline/partition-state.ts';
import { type EventsPipeline, openEventsPipeline, silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';

/*
 * Topic, table, state and snapshots live in four systems. Each one lost, replaced or taken back alone must be noticed
 * before anything is written or acknowledged: nothing here may pass in silence, and nothing may double or lose a row.
 */

const around = { environment, log: silentLog };
const soon = () => environment.now() + 10_000;

describe('the state', () => {
  test('rolled back by some batches: the partition halts and no row is doubled', async ({ place }) => {
    const events = await openEventsPipeline(place);
    await events.publish(6);
    await events.consume();
    const before = await itemOf(place, partitionKey('events', 0));
    await events.publish(6);
    await events.consume();
    await before.putBack();

    const result = await events.consume();
    expect(result).toMatchObject({ outcome: 'halted', halt: { code: 'PH_HALT_STATE_BEHIND' } });
    await events.publish(3);
    expect((await events.consume()).outcome).toBe('halted');
    expect(await ids(place)).toEqual({ rows: 120, distinct: 120 });
    await events.close();
  });

  test('of the cycle rolled back: nothing is snapshot or acknowledged by another timeline', async ({
    place,
  }) => {
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    await events.cycle();
    const before = await itemOf(place, cycleKey('events'));
    await events.publish(3);
    await events.consume();
    await events.cycle();
    await before.putBack();
    await events.publish(3);
    await events.consume();

    await expect(events.cycle()).rejects.toMatchObject({ code: 'PH_STATE_BEHIND' });
    await events.close();
  });

  test('rolled back as a whole: neither a consumer nor a cycle goes on', async ({ place }) => {
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    await events.cycle();
    const items = [await itemOf(place, cycleKey('events')), await itemOf(place, partitionKey('events', 0))];
    await events.publish(3);
    await events.consume();
    await events.cycle();
    for (const item of items) await item.putBack();

    expect(await events.consume()).toMatchObject({ halt: { code: 'PH_HALT_STATE_BEHIND' } });
    await events.publish(1);
    await expect(events.cycle().then((result) => result.halted)).resolves.toEqual([0]);
    expect(await ids(place)).toEqual({ rows: 60, distinct: 60 });
    await events.close();
  });
});

describe('the newest snapshot', () => {
  test('lost: the next one says all there is to say, and the audit tells of the gap', async ({ place }) => {
    const events = await afterOneCheckpoint(place);
    await events.ports.objects.delete(snapshotKey('events', 1), soon());
    await goesOnWithoutSnapshot(events);
  });

  test('corrupt: it is never taken for a snapshot', async ({ place }) => {
    const events = await afterOneCheckpoint(place);
    const key = snapshotKey('events', 1);
    const whole = await events.ports.objects.read(key, soon());
    const bucket = await openBucket(readSettings(place.environment), around);
    const damaged = Buffer.from(whole ?? []);
    damaged.writeUInt8((damaged[100] ?? 0) ^ 1, 100);
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    await bucket.client.send(new PutObjectCommand({ Bucket: bucket.name, Key: key, Body: damaged }));
    bucket.client.destroy();
    await goesOnWithoutSnapshot(events);
  });

  async function afterOneCheckpoint(place: Place): Promise<EventsPipeline> {
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    expect(await events.cycle()).toMatchObject({ outcome: 'completed', checkpoint: 1 });
    return events;
  }

  async function goesOnWithoutSnapshot(events: EventsPipeline): Promise<void> {
    const lost = await events.audit();
    expect(lost.exact).toBe(false);
    expect(lost.problems.join()).toContain('snapshot');
    await events.publish(3);
    await events.consume();
    expect(await events.cycle()).toMatchObject({ outcome: 'completed', checkpoint: 2 });
    const { acknowledged } = (await events.ports.state.readCycle('events', soon())) ?? {};
    expect(acknowledged).toBe(2);
    expect(await events.audit()).toMatchObject({ missing: 0, doubled: 0, rows: events.published });
    await events.close();
  }
});

describe('the table', () => {
  test.for([
    ['truncated', (place: Place) => place.query(`TRUNCATE TABLE ${place.database}.events`)],
    ['made anew under its name', remake],
  ] as const)('%s: the partition halts before it writes', async ([, replace], { place }) => {
    const events = await openEventsPipeline(place);
    await events.publish(12);
    await events.consume();
    await replace(place);
    await events.publish(3);

    expect(await events.consume()).toMatchObject({
      outcome: 'halted',
      halt: { code: 'PH_HALT_TABLE_BEHIND' },
    });
    expect(await ids(place)).toEqual({ rows: 0, distinct: 0 });
    expect(await events.audit()).toMatchObject({ exact: false, missing: 120 });
    await events.close();
  });

  test('whose parts were dropped when they were old, as the horizon says: nothing is wrong', async ({
    place,
  }) => {
    const events = await openEventsPipeline(place);
    await events.publish(12);
    await events.consume();
    await place.query(`ALTER TABLE ${place.database}.events DROP PARTITION ALL`);
    expect(await ids(place)).toEqual({ rows: 0, distinct: 0 });
    await events.publish(3);
    expect(await events.consumeWith({ horizon: 1 })).toMatchObject({ outcome: 'drained', rows: 30 });
    await events.close();
  });

  test('truncated, and written to since by others: that it looks newer does not hide it', async ({
    place,
  }) => {
    const table = `${place.database}.events`;
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    await place.query(`CREATE TABLE ${table}_kept ENGINE = Memory AS SELECT * FROM ${table}`);
    await place.query(`TRUNCATE TABLE ${table}`);
    for (let other = 1; other <= 20; other += 1) {
      const rows = `SELECT * REPLACE (toUInt16(_partition + ${other}) AS _partition) FROM ${table}_kept`;
      await place.query(`INSERT INTO ${table} ${rows}`);
    }
    await events.publish(1);

    expect(await events.consume()).toMatchObject({
      outcome: 'halted',
      halt: { code: 'PH_HALT_TABLE_BEHIND', reason: expect.stringContaining('it had 30 rows') },
    });
    await events.close();
  });

  async function remake(place: Place): Promise<void> {
    const table = `${place.database}.events`;
    const ddl = await place.query(`SHOW CREATE TABLE ${table} FORMAT TSVRaw`);
    await place.query(`DROP TABLE ${table} SYNC`);
    await place.query(ddl);
  }
});

describe('the topic', () => {
  test('whose subscription somebody else moved: the partition halts', async ({ place }) => {
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    await events.cycle();
    await events.publish(3);
    await events.consume();
    const topic = `${place.namespace}/events-partition-0`;
    await place.admin('POST', `persistent/${topic}/subscription/pulsehouse-events/skip_all`);

    await events.cycle();
    const [state] = await events.ports.state.readPartitions('events', 1, soon());
    expect(state?.halted?.code).toBe('PH_HALT_MARK_DELETE_AHEAD');
    expect((await events.consume()).outcome).toBe('halted');
    await events.close();
  });

  test('deleted and created again: its positions are not taken for the old ones', async ({ place }) => {
    const events = await openEventsPipeline(place);
    await events.publish(6);
    await events.consume();
    await place.admin('DELETE', `persistent/${place.namespace}/events/partitions?force=true`);
    await place.admin('PUT', `persistent/${place.namespace}/events/partitions`, 1);
    await events.publish(2);

    const result = await events.consume();
    expect(result.outcome).toBe('halted');
    expect(await ids(place)).toEqual({ rows: 60, distinct: 60 });
    await events.close();
  });
});

describe('another cluster behind the same address', () => {
  test('whose ledgers are older than the ones that were read: halted, and not taken for an idle topic', async ({
    place,
  }) => {
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    await rewrite(events, { committed: { ledger: 4_000_000_000, entry: 7 } });
    await events.publish(3);

    expect(await events.cycle()).toMatchObject({ invoked: [0] });
    expect(await events.consume()).toMatchObject({
      outcome: 'halted',
      halt: { code: 'PH_HALT_TOPIC_REPLACED' },
    });
    expect(await ids(place)).toEqual({ rows: 30, distinct: 30 });
    await events.close();
  });

  test('which has our positions too: it is told to forget none of them', async ({ place }) => {
    const events = await openEventsPipeline(place);
    await events.publish(3);
    await events.consume();
    await rewrite(events, { cluster: 'another cluster' });
    await events.publish(3);

    expect(await events.consume()).toMatchObject({ halt: { code: 'PH_HALT_TOPIC_REPLACED' } });
    expect(await events.cycle()).toMatchObject({ outcome: 'completed', acknowledgedMessages: 0 });
    const topic = `${events.pipeline.topic}-partition-0`;
    const found = await events.ports.transport.subscriptionState(topic, 'pulsehouse-events', soon());
    expect(found?.markDelete.entry).toBe(-1);
    await events.close();
  });
});

/** What the only partition's state would be had it been written elsewhere. */
async function rewrite(events: EventsPipeline, elsewhere: Partial<PartitionState>): Promise<void> {
  const { state } = events.ports;
  const found = await state.readPartition('events', 0, soon());
  if (!found) throw new Error('the partition has no state');
  const { version, writeId } = found;
  const next = { ...found, ...elsewhere, version: version + 1, follows: writeId, writeId: 'elsewhere' };
  await state.writePartition(next, soon());
}

/** The item as it stands now, to be put back later as a restore from a backup would. */
async function itemOf(place: Place, key: ItemKey): Promise<{ putBack(): Promise<void> }> {
  const table = await openStateTable(readSettings(place.environment), around);
  const found = await table.client.send(
    new GetItemCommand({ TableName: table.name, Key: { ...key }, ConsistentRead: true }),
  );
  return {
    async putBack() {
      await table.client.send(new PutItemCommand({ TableName: table.name, Item: found.Item }));
      table.client.destroy();
    },
  };
}

async function ids(place: Place): Promise<{ rows: number; distinct: number }> {
  const answer = await place.query(
    `SELECT toUInt32(count()) AS rows, toUInt32(uniqExact(id)) AS distinct FROM ${place.database}.events FORMAT JSONEachRow`,
  );
  return JSON.parse(answer) as { rows: number; distinct: number };
}
