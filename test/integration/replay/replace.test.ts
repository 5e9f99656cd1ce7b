import { describe, expect } from 'vitest';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { test } from '../../support/place.ts';
import { byHand, connectAs, openSubject, soon } from './subject.ts';

describe('replace and into', () => {
  test('replace deletes and writes the range again, and only while paused', async ({ place }) => {
    const subject = await openSubject(place, 2);
    await subject.publish(30);
    await subject.consumeAll();
    await subject.double('id % 10 = 4');
    await subject.lose('id % 10 = 5');
    const plan = await subject.plan({ mode: 'replace' });
    expect(plan.ranges.map(({ onlyRetained }) => onlyRetained)).toEqual([false, false]);
    await expect(startReplay(subject.dependencies, plan, 'a test', soon())).rejects.toMatchObject({
      code: 'PH_NOT_PAUSED',
    });
    await pause(subject.dependencies, byHand());
    expect(await subject.consume()).toMatchObject({ outcome: 'paused' });
    expect(await subject.replay({ mode: 'replace' })).toMatchObject({ done: true });
    await resumePipeline(subject.dependencies, byHand());
    await subject.publish(5);
    await subject.consumeAll();
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 700, messages: 700 });
    expect(await subject.cycle()).toMatchObject({ outcome: 'completed' });
    const { ranges } = await subject.plan({ mode: 'replace' });
    expect(ranges.map(({ onlyRetained }) => onlyRetained)).toEqual([true, true]);
    await subject.close();
  });

  test('a range goes into another table, and a second time changes nothing', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(20);
    await subject.consumeAll();
    await place.query(`CREATE TABLE ${place.database}.copy AS ${subject.table}`);
    const target = { database: place.database, table: 'copy' };
    const copy = await connectAs(place, { ...subject.pipeline, target });
    for (let time = 0; time < 2; time += 1) {
      expect(await subject.replay({ mode: 'into', target }, copy)).toMatchObject({ done: true });
      expect(await place.query(`SELECT count(), uniqExact(id) FROM ${place.database}.copy FORMAT TSV`)).toBe(
        '200\t200\n',
      );
    }
    expect(await subject.plan({ target }, copy)).toMatchObject({ missing: 0, doubled: 0 });
    expect(await subject.audit()).toMatchObject({ exact: true });
    await copy.close();
    await subject.close();
  });
});
