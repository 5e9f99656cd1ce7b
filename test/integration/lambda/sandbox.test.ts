import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { EVENTS_SOURCE, publishEvents, setUpEvents } from '../../support/events.ts';
import { nodeBinary } from '../../support/node-runtime.ts';
import { createPlace, type Place } from '../../support/place.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { packageService } from '../../support/serverless.ts';

const PATIENCE = 600_000;
const RUNTIMES = [20, 22, 24];
const LEASE = 2_000;
const SECRET = '/sandbox/clickhouse-password';

let place: Place;
let directory: string;
let environment: Record<string, string>;
let published = 0;
const open: Sandbox[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pulsehouse-sandbox-'));
  place = await createPlace(inject('stack'));
  // A stack of somebody else's, which the variables name, has its credentials there.
  const identity = Object.fromEntries(
    ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map((name) => [
      name,
      place.environment[name] ?? process.env[name] ?? '',
    ]),
  );
  Object.assign(process.env, identity);
  environment = {
    ...place.environment,
    ...identity,
    POWERTOOLS_METRICS_NAMESPACE: 'Pulsehouse',
    POWERTOOLS_SERVICE_NAME: 'sandbox',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    PULSEHOUSE_CONSUME_FUNCTION: 'not-deployed-here',
  };
  const text = JSON.stringify({
    name: 'events',
    topic: place.topic('events'),
    subscription: 'pulsehouse-events',
    target: { database: place.database, table: 'events' },
    ...EVENTS_SOURCE,
    checkpoint: { flushTimeout: '1s' },
    consume: { lease: `${LEASE}ms` },
  });
  const file = join(directory, 'pipeline.yml');
  await writeFile(file, text);
  const { pipeline } = parsePipeline(text, file);
  if (!pipeline) throw new Error("the test's pipeline is wrong");
  await setUpEvents(place.environment, pipeline, RUNTIMES.length);
  const packaged = await packageService({ pipelines: file }, {});
  for (const name of ['consume', 'checkpoint', 'audit', 'replay'])
    execFileSync('python3', ['-m', 'zipfile', '-e', join(packaged.folder, `${name}.zip`), directory]);
  await packaged.remove();
}, PATIENCE);

afterEach(async () => {
  await Promise.all(open.splice(0).map((sandbox) => sandbox.end()));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function sandbox(name: string, node: string, own: Record<string, string> = {}): Sandbox {
  const made = new Sandbox({
    node,
    bundle: join(directory, 'functions', `${name}.mjs`),
    environment: { ...environment, ...own },
  });
  open.push(made);
  return made;
}

async function publish(partition: number, entries: number): Promise<void> {
  const topic = `${place.topic('events')}-partition-${partition}`;
  published = await publishEvents(place.environment, topic, {
    entries,
    messagesAnEntry: 100,
    from: published,
  });
}

/** Every id exactly once. */
async function expectExact(): Promise<void> {
  const counts = await place.query(`SELECT count(), uniqExact(id) FROM ${place.database}.events`);
  expect(counts.trim().split('\t').map(Number)).toEqual([published, published]);
}

describe('packaged functions', () => {
  test.each(RUNTIMES)(
    'run under Node %i',
    async (major) => {
      const node = await nodeBinary(major);
      const partition = RUNTIMES.indexOf(major);
      await publish(partition, 20);
      const consumed = await sandbox('consume', node).invoke({ pipeline: 'events', partition });
      expect(consumed).toMatchObject({
        ok: true,
        result: { outcome: 'drained', messages: 2_000, rows: 2_000 },
      });
      const cycle = await sandbox('checkpoint', node).invoke({ pipeline: 'events' });
      expect(cycle).toMatchObject({
        ok: true,
        result: { outcome: 'completed', acknowledgedMessages: 2_000 },
      });
      await expectExact();
    },
    PATIENCE,
  );

  test(
    'refuse events that are not theirs, saying what there is',
    async () => {
      const consumer = sandbox('consume', process.execPath);
      const unknown = await consumer.invoke({ pipeline: 'nobody', partition: 0 });
      expect(unknown).toMatchObject({
        ok: false,
        code: 'PH_EVENT_INVALID',
        error: expect.stringContaining('events'),
      });
      const wrong = await consumer.invoke({ pipeline: 'events', partition: -1 });
      expect(wrong).toMatchObject({ ok: false, code: 'PH_EVENT_INVALID' });
    },
    PATIENCE,
  );
});

test(
  'the audit compares what came since the last exact one, and measures what is wrong',
  async () => {
    const auditor = sandbox('audit', process.execPath);
    const audited = () => auditor.invoke({ pipeline: 'events' }, 900_000);
    const consumer = sandbox('consume', process.execPath);
    await publish(1, 5);
    for (const partition of RUNTIMES.keys()) await consumer.invoke({ pipeline: 'events', partition });
    expect(await audited()).toMatchObject({
      ok: true,
      result: { exact: true, complete: true, messages: published },
    });
    expect(auditor.logged.filter((line) => line.includes('AuditFaults'))).toEqual([]);
    await publish(1, 2);
    await consumer.invoke({ pipeline: 'events', partition: 1 });
    const lost = `id = ${published - 7}`;
    const events = `${place.database}.events`;
    await place.query(`ALTER TABLE ${events} DELETE WHERE ${lost} SETTINGS mutations_sync = 2`);
    expect(await audited()).toMatchObject({ ok: true, result: { exact: false, messages: 200, missing: 1 } });
    const measured = auditor.logged.find((line) => line.includes('AuditFaults')) ?? '{}';
    expect(JSON.parse(measured)).toMatchObject({
      ...{ pipeline: 'events', service: 'sandbox', AuditFaults: 1, AuditMissing: 1 },
    });
    // The row is put back for the tests that follow.
    await place.query(
      `INSERT INTO ${events} SELECT ${published - 7}, _partition, _ledger, _entry, 99 - 6, 0 FROM ${events} WHERE id = ${published - 1}`,
    );
    expect(await audited()).toMatchObject({ ok: true, result: { exact: true, messages: 200 } });
  },
  PATIENCE,
);

test(
  'a tick measures the partitions of a replay that are halted, which rings the alarm, and none once it goes on',
  async () => {
    const [consumer, replayer, cycles] = ['consume', 'replay', 'checkpoint'].map((name) =>
      sandbox(name, process.execPath),
    );
    const measured = async () => {
      const from = cycles?.logged.length;
      expect(await cycles?.invoke({ pipeline: 'events' })).toMatchObject({ ok: true });
      return cycles?.logged.slice(from).filter((line) => line.includes('HaltedPartitions')) ?? [];
    };
    const events = `${place.database}.events`;
    await publish(2, 1);
    await consumer?.invoke({ pipeline: 'events', partition: 2 });
    const lost = published - 7;
    await place.query(`ALTER TABLE ${events} DELETE WHERE id = ${lost} SETTINGS mutations_sync = 2`);
    const repair = { pipeline: 'events', mode: 'repair', partitions: [2], yes: true, detach: true };
    const begun = await replayer?.invoke(repair);
    const { id } = (begun?.ok ? begun.result['record'] : {}) as { readonly id?: string };
    // Somebody brings it back, and thrice.
    await place.query(
      `INSERT INTO ${events} SELECT ${lost}, _partition, _ledger, _entry, 99 - 6, 0 FROM ${events} ARRAY JOIN [1, 2, 3] AS copy WHERE id = ${lost + 1}`,
    );
    expect(await measured()).toEqual([]);
    const halted = await replayer?.invoke({ pipeline: 'events', continue: id, partition: 2 });
    expect(halted).toMatchObject({ ok: true, result: { partitions: [{ outcome: 'halted' }] } });
    const [line = '{}'] = await measured();
    expect(JSON.parse(line)).toMatchObject({
      ...{ pipeline: 'events', service: 'sandbox', HaltedPartitions: 1, HaltedReplayPartitions: 1 },
    });
    await place.query(`ALTER TABLE ${events} DELETE WHERE id = ${lost} SETTINGS mutations_sync = 2`);
    const continued = await replayer?.invoke({ pipeline: 'events', continue: id });
    expect(continued).toMatchObject({ ok: true, result: { record: { status: 'complete' } } });
    expect(await measured()).toEqual([]);
    await expectExact();
  },
  PATIENCE,
);

describe('a sandbox that Lambda freezes', () => {
  test(
    'between two invocations works on: nothing of the first is used by the second',
    async () => {
      const consumer = sandbox('consume', process.execPath);
      await publish(0, 10);
      expect(await consumer.invoke({ pipeline: 'events', partition: 0 })).toMatchObject({ ok: true });
      consumer.freeze();
      await publish(0, 10);
      await sleep(2 * LEASE);
      consumer.thaw();
      const again = await consumer.invoke({ pipeline: 'events', partition: 0 });
      expect(again).toMatchObject({ ok: true, result: { outcome: 'drained', messages: 1_000 } });
      await expectExact();
    },
    PATIENCE,
  );

  test(
    'in the middle of one, past its lease, can change nothing once it goes on',
    async () => {
      const zombie = sandbox('consume', process.execPath);
      // Warm, so that the freeze falls into the work and not into the loading.
      await zombie.invoke({ pipeline: 'events', partition: 0 });
      await publish(0, 300);
      const late = zombie.invoke({ pipeline: 'events', partition: 0 });
      await sleep(100);
      zombie.freeze();
      const successor = sandbox('consume', process.execPath);
      for (;;) {
        const answer = await successor.invoke({ pipeline: 'events', partition: 0 });
        if (answer.ok && answer.result['outcome'] === 'drained') break;
        expect(answer).toMatchObject({ ok: true, result: { outcome: 'busy' } });
        await sleep(250);
      }
      zombie.thaw();
      await late;
      await expectExact();
    },
    PATIENCE,
  );
});

test(
  'a secret that was changed is fetched anew after the server refuses the old one',
  async () => {
    const ssm = new SSMClient({ endpoint: place.environment['AWS_ENDPOINT_URL'] ?? '' });
    const put = (Value: string) =>
      ssm.send(new PutParameterCommand({ Name: SECRET, Value, Type: 'SecureString', Overwrite: true }));
    await put('wrong');
    const consumer = sandbox('consume', process.execPath, {
      CLICKHOUSE_PASSWORD: '',
      CLICKHOUSE_PASSWORD_FROM: `ssm:${SECRET}`,
    });
    const refused = await consumer.invoke({ pipeline: 'events', partition: 0 });
    expect(refused).toMatchObject({ ok: false, code: 'PH_CLICKHOUSE_ACCESS' });
    expect(JSON.stringify(refused)).not.toContain('wrong');
    await put(place.environment['CLICKHOUSE_PASSWORD'] ?? '');
    // The sandbox still holds the wrong one: its cache lasts five minutes.
    expect(await consumer.invoke({ pipeline: 'events', partition: 0 })).toMatchObject({ ok: true });
    ssm.destroy();
  },
  PATIENCE,
);
