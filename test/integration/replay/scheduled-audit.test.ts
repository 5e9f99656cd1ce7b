import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { auditOnSchedule } from '../../../lib/cli/audit-schedule.ts';
import { lastExactReport, lastReportAt } from '../../../lib/replay/audit/audit-reports.ts';
import { scheduledAudit } from '../../../lib/replay/audit/scheduled-audit.ts';
import { pause, resumePipeline } from '../../../lib/replay/pause.ts';
import { reset } from '../../../lib/replay/reset/reset.ts';
import { test } from '../../support/place.ts';
import { byHand, openSubject, type Subject, soon } from './subject.ts';

const scheduled = ({ dependencies }: Subject, closing = 0) =>
  scheduledAudit(dependencies, { since: 'last', deadline: soon(), closing });

describe('scheduled audits', () => {
  test('compare what came since the last exact one, until what is wrong is put right', async ({ place }) => {
    const subject = await openSubject(place, 2);
    await subject.publish(10);
    await subject.consumeAll();
    const begun = environment.now();
    const first = await scheduled(subject);
    expect(first).toMatchObject({ exact: true, complete: true, messages: 200, since: undefined });
    await subject.publish(3);
    await subject.consumeAll();
    const second = await scheduled(subject);
    expect(second).toMatchObject({ exact: true, messages: 60, since: first.key });
    await subject.publish(2);
    await subject.consumeAll();
    const newest = Number(await place.query(`SELECT max(id) FROM ${subject.table} FORMAT TSV`));
    await subject.lose(`id = ${newest}`);
    for (let day = 0; day < 2; day += 1) {
      expect(await scheduled(subject)).toMatchObject({
        ...{ exact: false, messages: 40, missing: 1, since: second.key },
      });
    }
    const { objects, pipeline } = subject.dependencies;
    expect((await lastExactReport(objects, pipeline.name, soon()))?.key).toBe(second.key);
    await subject.replay({ mode: 'repair' });
    expect(await scheduled(subject)).toMatchObject({ exact: true, messages: 40, since: second.key });
    const last = (await lastReportAt(objects, pipeline.name, soon())) ?? 0;
    expect(last).toBeGreaterThanOrEqual(begun);
    expect(last).toBeLessThanOrEqual(environment.now());
    await subject.close();
  });

  test('one that runs out of time says how far it came, and the next goes on from there', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(20);
    await subject.consumeAll();
    const cut = await scheduled(subject, 3_600_000);
    expect(cut).toMatchObject({ exact: true, complete: false });
    expect(cut.messages).toBeLessThan(200);
    const rest = await scheduled(subject);
    expect(rest).toMatchObject({ exact: true, complete: true, since: cut.key });
    expect(rest.messages + cut.messages).toBe(200);
    await subject.close();
  });

  test('a plain process audits on its interval, and goes by the reports that are there', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await subject.publish(3);
    await subject.consumeAll();
    const { dependencies } = subject;
    const { objects, pipeline } = dependencies;
    const stop = new AbortController();
    const reports = () => objects.list(`${pipeline.name}/audits/`, soon());
    const every = (interval: number) =>
      auditOnSchedule(
        {
          ...dependencies,
          pipeline: { ...pipeline, audit: { ...pipeline.audit, interval } },
          sinks: { use: (work) => work(dependencies.sink) },
        },
        stop.signal,
      );
    const often = every(300);
    while ((await reports()).length < 2) await environment.sleep(100);
    stop.abort();
    await often;
    const kept = await reports();
    expect(kept.every((key) => key.endsWith('.exact.json'))).toBe(true);
    await expect(every(0)).resolves.toBeUndefined();
    expect(await reports()).toEqual(kept);
    await subject.close();
  });

  test('a partition that was reset is compared whole', async ({ place }) => {
    const subject = await openSubject(place, 2);
    await subject.publish(5);
    await subject.consumeAll();
    await scheduled(subject);
    const { state, pipeline } = subject.dependencies;
    const found = await state.readPartition(pipeline.name, 1, soon());
    if (!found) throw new Error('partition 1 has a state');
    await pause(subject.dependencies, byHand());
    await reset(
      subject.dependencies,
      { reason: 'offsets', positions: new Map([[1, found.origin]]) },
      byHand(),
    );
    await resumePipeline(subject.dependencies, byHand());
    await subject.consumeAll();
    await subject.lose('_partition = 1 AND _index = 3 AND _entry = 0');
    expect(await scheduled(subject)).toMatchObject({ exact: false, messages: 50, missing: 1 });
    await subject.close();
  });
});
