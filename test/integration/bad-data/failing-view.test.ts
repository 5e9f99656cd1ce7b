import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readStatus } from '../../../lib/replay/status.ts';
import { test } from '../../support/place.ts';
import { consumeWith, openSubject, type Subject, soon } from '../replay/subject.ts';

const gapsOf = async ({ dependencies }: Subject) =>
  (await readStatus(dependencies, soon())).partitions.flatMap(({ viewGaps }) => viewGaps);

describe('a materialized view that fails', () => {
  test('stops neither the table nor goes unseen: what it and the others lack is kept until it is filled', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const { table } = subject;
    const view = (name: string, select: string) =>
      place.query(
        `CREATE MATERIALIZED VIEW ${table}_${name} ENGINE = MergeTree ORDER BY tuple() AS SELECT ${select} FROM ${table}`,
      );
    await view('bad', 'throwIf(id = 7) AS x');
    await view('good', 'id');
    await subject.publish(2);
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 20 });
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 20 });
    const views = [`${table}_bad`, `${table}_good`];
    expect(await gapsOf(subject)).toEqual([
      {
        ...{ rows: 20, views, answered: true },
        since: expect.any(Number),
        after: expect.stringMatching(/:-1$/),
        to: expect.any(String),
      },
    ]);
    await subject.publish(2);
    await subject.consume();
    // These were stored without an error.
    expect(await gapsOf(subject)).toMatchObject([{ rows: 20, to: expect.stringMatching(/:1$/) }]);
    await subject.close();
  });

  test('is known of after a crash too: how an insert ended that nobody saw end is not known', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    await place.query(
      `CREATE MATERIALIZED VIEW ${subject.table}_view ENGINE = MergeTree ORDER BY x AS SELECT throwIf(id = 7) AS x FROM ${subject.table}`,
    );
    await subject.publish(2);
    const { dependencies } = subject;
    // As of a process that is killed before it reads the answer: nothing of it goes on.
    const never = new Promise<never>(() => undefined);
    let killed = false;
    const insert = async (...send: Parameters<typeof dependencies.sink.insert>) => {
      await dependencies.sink.insert(...send);
      killed = true;
      return never;
    };
    const sink = new Proxy(dependencies.sink, {
      get: (real, name) => {
        if (name === 'insert') return insert;
        const value: unknown = Reflect.get(real, name);
        return typeof value === 'function' ? value.bind(real) : value;
      },
    });
    const sleep = (...of: Parameters<typeof environment.sleep>) =>
      killed ? never : environment.sleep(...of);
    void consumeWith({ ...dependencies, sink, environment: { ...environment, sleep } });
    await expect.poll(() => killed).toBe(true);
    await expect.poll(async () => (await subject.consume()).outcome).toBe('drained');
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 20 });
    expect(await gapsOf(subject)).toMatchObject([
      { rows: 20, answered: false, views: [`${subject.table}_view`] },
    ]);
    await subject.close();
  });

  test('is not noted where the table has no view', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(2);
    await subject.consume();
    expect(await gapsOf(subject)).toEqual([]);
    await subject.close();
  });
});
