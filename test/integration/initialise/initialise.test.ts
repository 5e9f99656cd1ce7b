import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { snapshotKey } from '../../../lib/checkpoint/snapshot.ts';
import { cycleKey, partitionKey } from '../../../lib/dynamodb/keys.ts';
import { findDdl } from '../../../lib/initialise/ddl.ts';
import { test } from '../../support/place.ts';
import { DDL, InitSubject, soon, told } from './subject.ts';

describe('init', () => {
  test('makes everything once, and finds it the second time', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(3);
    expect(told(await subject.init(), subject)).toEqual([
      'found topic persistent://N/events, 3 partition(s)',
      'found topic policies keep unread messages',
      'created state table T',
      'created bucket T',
      'created table D.events, MergeTree',
      'created subscription pulsehouse-init stands at P, P, P',
      'created state of 3 partition(s), generation G',
    ]);
    const before = await subject.standing();
    expect(before.cycle).toMatchObject({ partitions: 3, opened: 0, paused: false });
    expect(before.states.map(({ partition }) => partition)).toEqual([0, 1, 2]);
    for (const state of before.states) {
      expect(state).toMatchObject({ generation: before.cycle?.generation, committed: state.origin, seq: 0 });
    }
    expect(told(await subject.init(), subject)).toEqual([
      'found topic persistent://N/events, 3 partition(s)',
      'found topic policies keep unread messages',
      'found state table T',
      'found bucket T',
      'found table D.events, MergeTree',
      'found state of 3 partition(s)',
      'found subscription pulsehouse-init',
    ]);
    expect(await subject.standing()).toStrictEqual(before);
  });

  test('makes the reference table from the DDL that ships', async ({ place }) => {
    const target = { database: place.database, table: 'sensors_local' };
    const subject = new InitSubject(place, { target, columns: { device_id: 'a' } });
    await subject.makeTopic(1);
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const report = await subject.init(await findDdl(subject.pipeline, [place.database, root]));
    expect(told(report, subject)).toContain('created table D.sensors_local, MergeTree');
  });

  test('begins at the end or at a time', async ({ place }) => {
    const subject = new InitSubject(place, { initialPosition: { at: 'latest' } });
    await subject.makeTopic(1);
    const before = await subject.publish(0, '{}', '{}');
    await subject.init();
    expect((await subject.standing()).states[0]?.origin).toEqual(before);

    const publishTime = Date.now() + 20;
    await setTimeout(50);
    await subject.publish(0, '{}', '{}');
    const byTime = subject.with({
      name: 'by-time',
      subscription: 'by-time',
      target: { database: place.database, table: 'by_time' },
      initialPosition: { at: 'time', publishTime },
    });
    await byTime.init();
    expect((await byTime.standing()).states[0]?.origin).toEqual(before);
  });

  test('takes an existing subscription over where it stands', async ({ place }) => {
    const subject = new InitSubject(place, { subscription: 'of-another-job' });
    await subject.makeTopic(1);
    await subject.publish(0, '{}', '{}', '{}');
    const { transport, close } = await subject.connect();
    const topic = `${subject.pipeline.topic}-partition-0`;
    const done = await subject.publish(0, '{}');
    await transport.ensureSubscription(topic, 'of-another-job', { at: 'position', position: done }, soon());
    await close();
    await subject.publish(0, '{}');
    await subject.init();
    expect((await subject.standing()).states[0]?.origin).toEqual(done);
  });

  test('two at once make one generation', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(4);
    await Promise.all([subject.init(), subject.init()]);
    const { cycle, states } = await subject.standing();
    expect(states).toHaveLength(4);
    expect(new Set(states.map(({ generation }) => generation))).toEqual(new Set([cycle?.generation]));
  });

  test('goes on with a run that was cut off before its cycle', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(2);
    await subject.init();
    const before = await subject.standing();
    await subject.forget(cycleKey(subject.pipeline.name));
    await subject.init();
    const { cycle, states } = await subject.standing();
    expect(states).toStrictEqual(before.states);
    expect(cycle?.generation).toBe(before.cycle?.generation);
  });

  test('tells of partitions added since', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(2);
    await subject.init();
    await place.admin('POST', `persistent/${place.namespace}/events/partitions`, 3);
    const report = await subject.init();
    expect(told(report, subject)).toContain('note 1 new partition(s) are taken in by the next checkpoint');
    expect((await subject.standing()).cycle?.partitions).toBe(2);
  });
});

describe('init refuses', () => {
  test('a topic that is not there, and does not make it', async ({ place }) => {
    const subject = new InitSubject(place);
    await expect(subject.init()).rejects.toMatchObject({ code: 'PH_PULSAR_TOPIC_NOT_FOUND' });
    expect(await place.admin('GET', `persistent/${place.namespace}`)).toBe('[]');
    expect(await place.query(`SHOW TABLES FROM ${place.database}`)).toBe('');
  });

  test('a table that is missing when nobody says how to make it', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic();
    await expect(subject.init('')).rejects.toMatchObject({
      code: 'PH_TABLE_MISSING',
      nextStep: expect.stringContaining('ADD COLUMN `_ledger` Int64'),
    });
    expect(await subject.standing()).toEqual({ cycle: undefined, states: [] });
  });

  test('a table that remembers no tokens, unless that is allowed', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic();
    const forgetful = DDL.replace('deduplication_window = 1000', 'deduplication_window = 0');
    await expect(subject.init(forgetful)).rejects.toMatchObject({
      code: 'PH_TABLE_UNFIT',
      message: expect.stringContaining('non_replicated_deduplication_window is 0'),
      nextStep: expect.stringContaining('MODIFY SETTING non_replicated_deduplication_window'),
    });
    expect((await subject.standing()).cycle).toBeUndefined();
    const report = await subject.with({ allowWithoutDeduplication: true }).init(forgetful);
    expect(told(report, subject)).toContainEqual(
      expect.stringMatching(/^warning table D\.events: non_replicated_deduplication_window is 0/),
    );
  });

  test('to begin anew where snapshots, rows or other partitions tell of a state', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(2);
    await subject.publish(1, '{"a":"x"}');
    await subject.init();
    const { states } = await subject.standing();
    const lost = { code: 'PH_STATE_LOST', nextStep: expect.stringContaining('pulsehouse restore') };

    await subject.forget(partitionKey(subject.pipeline.name, 1));
    await expect(subject.init()).rejects.toMatchObject(lost);

    await subject.forget(cycleKey(subject.pipeline.name));
    const ledger = states[1]?.origin.ledger ?? 0;
    const row = `INSERT INTO ${place.database}.events (a, _partition, _ledger, _entry) VALUES`;
    await place.query(`${row} ('x', 1, ${ledger}, 0)`);
    await expect(subject.init()).rejects.toMatchObject({
      ...lost,
      message: expect.stringContaining('holds 1 rows of messages that it would read'),
    });

    await place.query(`TRUNCATE TABLE ${place.database}.events`);
    const { objects, close } = await subject.connect();
    await objects.create(snapshotKey(subject.pipeline.name, 7), new Uint8Array([0]), soon());
    await close();
    await expect(subject.init()).rejects.toMatchObject({
      ...lost,
      message: expect.stringContaining('1 snapshots of one, the newest number 7'),
    });
  });

  test('the state of another topic', async ({ place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(1);
    await subject.init();
    await place.admin('PUT', `persistent/${place.namespace}/others/partitions`, 1);
    await expect(subject.with({ topic: place.topic('others') }).init()).rejects.toMatchObject({
      code: 'PH_CONFIG_INVALID',
      message: expect.stringContaining('events-partition-0'),
      nextStep: expect.stringContaining('another name'),
    });
  });
});
