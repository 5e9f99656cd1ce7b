import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openRowCopy } from '../../../lib/assembly/row-copy.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import type { RowCopy } from '../../../lib/ports/row-copy.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { branch } from '../../../lib/replay/branch/branch.ts';
import type { BranchSource } from '../../../lib/replay/branch/branch-run.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { planReplay } from '../../../lib/replay/replay/plan.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { reset } from '../../../lib/replay/reset/reset.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import {
  byHand,
  connectAs,
  consumeWith,
  openSubject,
  requestOf,
  type Subject,
  soon,
  untilDone,
} from './subject.ts';

const PARTITIONS = 2;

describe('a second pipeline from a checkpoint of the first', () => {
  test('both end with the same rows exactly once, while the first goes on', async ({ place }) => {
    const blue = await openSubject(place, PARTITIONS);
    await blue.publish(12);
    await blue.consumeAll();
    const { checkpoint } = await blue.cycle();
    await blue.publish(4);
    await blue.consume(0);
    const green = await openGreen(place, blue);
    const result = await green.bringUp();
    expect(result).toMatchObject({ checkpoint, snapshot: 1 });
    expect(result.partitions.map(({ rows }) => rows)).toEqual([120, 120]);
    await blue.consumeAll();
    await blue.cycle();
    await blue.publish(5);
    await green.consumeAll();
    await blue.consumeAll();
    await blue.publish(3);
    await green.consumeAll();
    expect(await green.cycle()).toMatchObject({ outcome: 'completed', checkpoint: 2 });
    await blue.consumeAll();
    await blue.cycle();
    await expectSame(place, blue, green, 480);
    await green.close();
    await blue.close();
  });

  test('rows that were deleted on purpose need not be there, and others must', async ({ place }) => {
    const blue = await openSubject(place, PARTITIONS);
    await blue.publish(6);
    await blue.consumeAll();
    await blue.cycle();
    await blue.lose('_partition = 0 AND _entry = 2');
    const at = await place.query(`SELECT max(_ledger) FROM ${blue.table} WHERE _partition = 0 FORMAT TSV`);
    const entry = { ledger: Number(at), entry: 2 };
    const positions = { after: { ...entry, entry: 1 }, to: entry };
    const exclusions = [{ reason: 'erasure request 4711', partition: 0, positions }];
    const green = await openGreen(place, blue);
    await expect(green.bringUp()).rejects.toMatchObject({ code: 'PH_RESET_REFUSED' });
    const recorded = { ...green.pipeline, audit: { interval: 0, exclusions } };
    await green.bringUp({}, recorded);
    const report = await audit({ ...green.dependencies, pipeline: recorded }, {}, { deadline: soon() });
    expect(report, report.problems.join()).toMatchObject({ exact: true, excluded: 10, rows: 110 });
    await green.close();
    await blue.close();
  });

  test("the first one's dead letters stay with it, and become rows of the second while Pulsar has them", async ({
    place,
  }) => {
    const blue = await openSubject(place, PARTITIONS);
    const { pipeline } = blue;
    await blue.publish(2);
    const wire = { serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog };
    const producer = await openProducer(wire, `${pipeline.topic}-partition-0`);
    const ids = [1_001, 'two', 1_003];
    await producer.sendBatch(ids.map((id) => ({ payload: Buffer.from(JSON.stringify({ id })) })));
    await producer.close();
    const deadLetters = { enabled: true, maxRatio: 1, minimum: 10 };
    const tolerant = await connectAs(place, { ...pipeline, deadLetters });
    expect(await consumeWith(tolerant)).toMatchObject({ rows: 22, deadLetters: 1 });
    await blue.consume(1);
    await blue.cycle();

    const green = await openGreen(place, blue);
    const { partitions } = await green.bringUp();
    expect(partitions).toMatchObject([
      { rows: 22, deadLetters: 1 },
      { rows: 20, deadLetters: 0 },
    ]);
    const mended = await connectAs(place, {
      ...green.pipeline,
      source: { format: 'json', fields: { id: 'String' } },
      columns: { id: 'toUInt64OrDefault(id, toUInt64(2))' },
    });
    expect(await audit(mended, {}, { deadline: soon() })).toMatchObject({ exact: false, missing: 1 });
    expect(
      (await planRedrive(mended, requestOf(mended.pipeline, { mode: 'redrive' }), soon())).ranges,
    ).toEqual(expect.arrayContaining([expect.objectContaining({ deadLetters: 0 })]));
    const request = requestOf(mended.pipeline, { mode: 'repair' });
    const plan = await planReplay(mended, request, mended, { deadline: soon() });
    const record = await startReplay(mended, plan, 'a test', soon());
    expect(await untilDone(mended, record)).toMatchObject({ done: true });
    expect(await audit(mended, {}, { deadline: soon() })).toMatchObject({ exact: true, rows: 43 });
    for (const opened of [mended, tolerant, green, blue]) await opened.close();
  });

  test('a copy cut off in the middle of a part is finished exactly', async ({ place }) => {
    const blue = await openSubject(place, PARTITIONS);
    await blue.publish(20);
    await blue.consumeAll();
    await blue.cycle();
    const green = await openGreen(place, blue);
    let copied = 0;
    const dying: RowCopy = {
      ...green.copy,
      async copy(range, queryId, notAfter, deadline) {
        copied += 1;
        if (copied < 3) return green.copy.copy(range, queryId, notAfter, deadline);
        // As over several table partitions, of which only the first was stored.
        const half = { ...range, to: { ...range.to, entry: range.to.entry - 2 } };
        await green.copy.copy(half, queryId, notAfter, deadline);
        throw new TypeError('the process died');
      },
    };
    await expect(green.bringUp({ copy: dying })).rejects.toThrow('the process died');
    await expect(resumePipeline(green.dependencies, byHand())).rejects.toMatchObject({
      code: 'PH_RESET_UNFINISHED',
    });
    expect(await consumeWith(green.dependencies)).toMatchObject({ outcome: 'paused' });
    await green.bringUp();
    await blue.publish(2);
    await blue.consumeAll();
    await green.consumeAll();
    await expectSame(place, blue, green, 440);
    await green.close();
    await blue.close();
  });

  test('rows brought there by somebody else are counted; a first pipeline that was reset is followed', async ({
    place,
  }) => {
    const blue = await openSubject(place, PARTITIONS);
    await blue.publish(10);
    const { committed } = await blue.consume();
    await blue.consume(1);
    await pause(blue.dependencies, byHand());
    const positions = new Map([[0, { ledger: committed?.ledger ?? 0, entry: 5 }]]);
    await reset(blue.dependencies, { reason: 'offsets', positions }, byHand());
    await resumePipeline(blue.dependencies, byHand());
    await blue.consumeAll();
    const { checkpoint } = await blue.cycle();
    const green = await openGreen(place, blue);
    await place.query(`INSERT INTO ${green.table} SELECT * FROM ${blue.table} WHERE id % 7 != 3`);
    await expect(green.bringUp({ copy: undefined })).rejects.toMatchObject({ code: 'PH_RESET_REFUSED' });
    await place.query(
      `INSERT INTO ${green.table} SELECT * FROM ${blue.table} WHERE id % 7 = 3 SETTINGS insert_deduplicate = 0`,
    );
    expect(await green.bringUp({ copy: undefined })).toMatchObject({ checkpoint });
    await blue.publish(2);
    await blue.consumeAll();
    await green.consumeAll();
    await expectSame(place, blue, green, 240);
    await green.close();
    await blue.close();
  });

  test('an older checkpoint is taken while Pulsar has what was read since, and refused where it has not', async ({
    place,
  }) => {
    const blue = await openSubject(place, PARTITIONS);
    await blue.publish(10);
    await blue.consumeAll();
    const { checkpoint } = await blue.cycle();
    await blue.publish(10);
    await blue.consumeAll();
    // Nothing holds the first ledger any more once this one is told.
    await place.admin('PUT', `persistent/${place.namespace}/events-partition-0/unload`);
    await blue.publish(5);
    await blue.consumeAll();
    const green = await openGreen(place, blue);
    await green.bringUp({ checkpoint });
    await blue.cycle();
    await green.consumeAll();
    await expectSame(place, blue, green, 500);

    await green.cycle();
    await untilTrimmed(place);
    const late = await openGreen(place, blue, 'late');
    await expect(late.bringUp({ checkpoint })).rejects.toMatchObject({
      code: 'PH_RESET_REFUSED',
    });
    await late.close();
    await green.close();
    await blue.close();
  });

  test('is refused where it would share anything with the first', async ({ place }) => {
    const blue = await openSubject(place, PARTITIONS);
    await blue.publish(2);
    await blue.consumeAll();
    await blue.cycle();
    const green = await openGreen(place, blue);
    const { name, subscription, target } = blue.pipeline;
    for (const shared of [{ name }, { subscription }, { target }, { topic: place.topic('others') }]) {
      const pipeline = { ...green.pipeline, ...shared };
      await expect(green.bringUp({}, pipeline)).rejects.toMatchObject({
        code: 'PH_RESET_REFUSED',
      });
    }
    await green.bringUp();
    await expect(green.bringUp()).rejects.toMatchObject({ code: 'PH_RESET_REFUSED' });
    await green.close();
    await blue.close();
  });
});

async function openGreen(place: Place, blue: Subject, name = 'green') {
  const pipeline: Pipeline = {
    ...blue.pipeline,
    name,
    subscription: `pulsehouse-${name}`,
    target: { ...blue.pipeline.target, table: name },
  };
  const table = `${place.database}.${name}`;
  await place.query(`CREATE TABLE ${table} AS ${blue.table}`);
  const dependencies = await connectAs(place, pipeline);
  const settings = readSettings(place.environment);
  const copy = await openRowCopy(blue.pipeline.target, pipeline, settings, dependencies);
  const { objects } = blue.dependencies;
  return {
    pipeline,
    table,
    dependencies,
    copy,
    bringUp: (asked: Partial<BranchSource> = {}, as = pipeline) =>
      branch(
        { ...dependencies, pipeline: as },
        { pipeline: blue.pipeline, objects, checkpoint: undefined, copy, ...asked },
        { ...byHand(), rowsAtOnce: 60 },
      ),
    async consumeAll() {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        expect(await consumeWith(dependencies, partition)).toMatchObject({ outcome: 'drained' });
      }
    },
    cycle: () => runCycle({ ...dependencies, invoker: { invoke: async () => undefined } }, byHand()),
    async close() {
      await copy.close();
      await dependencies.close();
    },
  };
}

type Green = Awaited<ReturnType<typeof openGreen>>;

async function expectSame(place: Place, blue: Subject, green: Green, rows: number): Promise<void> {
  const report = await audit(green.dependencies, {}, { deadline: soon() });
  expect(report, report.problems.join()).toMatchObject({ exact: true, rows, drained: true });
  expect(await blue.audit()).toMatchObject({ exact: true, rows, drained: true });
  const differing = await place.query(
    `SELECT count() FROM (SELECT *, count() AS times FROM (SELECT * FROM ${blue.table} UNION ALL SELECT * FROM ${green.table}) GROUP BY ALL HAVING times != 2) FORMAT TSV`,
  );
  expect(Number(differing)).toBe(0);
}

/** Retention is none: what every subscription has read goes with its ledger. */
async function untilTrimmed(place: Place): Promise<void> {
  for (let tries = 1; tries <= 60; tries += 1) {
    const text = await place.admin('GET', `persistent/${place.namespace}/events-partition-0/internalStats`);
    const { ledgers } = JSON.parse(text) as { readonly ledgers: readonly unknown[] };
    if (ledgers.length === 1) return;
    await place.admin('PUT', `persistent/${place.namespace}/events-partition-0/unload`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  throw new Error('the broker keeps its ledgers');
}
