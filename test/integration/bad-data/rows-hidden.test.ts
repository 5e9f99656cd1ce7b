import { afterAll, beforeAll, describe, expect } from 'vitest';
import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { rowCopy } from '../../../lib/clickhouse/row-copy.ts';
import { rowFilter } from '../../../lib/clickhouse/row-filter.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { initialise } from '../../../lib/initialise/initialise.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { resumePipeline } from '../../../lib/replay/pause.ts';
import { planReplay } from '../../../lib/replay/replay/plan.ts';
import {
  type OwnClickHouse,
  PASSWORD,
  startClickHouse,
  whyNotHere,
} from '../../support/clickhouse-of-users.ts';
import { createTopic, EVENTS_DDL, EVENTS_SOURCE, publishEvents } from '../../support/events.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import { requestOf } from '../replay/subject.ts';

const SOME = 'id % 10 != 7';
const around = { environment, log: silentLog };
const soon = () => environment.now() + 60_000;
const reason = await whyNotHere();
if (reason) process.stderr.write(`rows-hidden.test.ts is left out: ${reason}\n`);

let server: OwnClickHouse;

beforeAll(async () => {
  if (reason) return;
  const filters = Object.fromEntries(['once', 'later', 'seen'].map((table) => [`hidden.${table}`, SOME]));
  const everything = Object.fromEntries(Object.keys(filters).map((table) => [table, '1']));
  server = await startClickHouse({
    plain: { filters: everything },
    tenant: { filters },
    least: { filters, grants: ['SELECT, INSERT ON hidden.seen', 'CREATE TEMPORARY TABLE ON *.*'] },
  });
});

afterAll(() => server?.stop());

/** A pipeline into this table, and what different users of it do. */
class Subject {
  readonly pipeline: Pipeline;
  readonly #place: Place;
  #published = 0;

  constructor(place: Place, table: string) {
    for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      process.env[name] = place.environment[name];
    const text = JSON.stringify({
      name: table,
      topic: place.topic(table),
      target: { database: 'hidden', table },
      ...EVENTS_SOURCE,
    });
    const { pipeline, problems } = parsePipeline(text, 'hidden.yml');
    if (!pipeline) throw new Error(JSON.stringify(problems));
    this.pipeline = pipeline;
    this.#place = place;
  }

  makeTopic(): Promise<void> {
    return createTopic(this.#place.environment, this.pipeline.topic, 1);
  }

  async publish(): Promise<void> {
    const publication = { entries: 2, messagesAnEntry: 10, from: this.#published };
    this.#published = await publishEvents(
      this.#place.environment,
      `${this.pipeline.topic}-partition-0`,
      publication,
    );
  }

  init(user: string) {
    return initialise(this.pipeline, this.#settings(user), around, { ddl: EVENTS_DDL, deadline: soon() });
  }

  consume(user: string) {
    return this.#as(user, (ports) =>
      consume(ports, { partition: 0, owner: environment.uniqueId(), deadline: soon(), until: 'drained' }),
    );
  }

  audit(user: string) {
    return this.#as(user, (ports) => audit(ports, {}, { deadline: soon() }));
  }

  planRepair(user: string) {
    const request = requestOf(this.pipeline, { mode: 'repair' });
    return this.#as(user, (ports) => planReplay(ports, request, ports, { deadline: soon() }));
  }

  resume() {
    const byHand = { by: 'a test', owner: environment.uniqueId(), deadline: soon() };
    return this.#as('admin', (ports) => resumePipeline(ports, byHand));
  }

  /** Rows as one who sees all of them counts, and distinct ones. */
  async count(): Promise<string> {
    const admin = new Server({ url: server.url, username: 'admin', password: PASSWORD });
    const sql = `SELECT count(), uniqExact(id) FROM hidden.${this.pipeline.target.table} FORMAT TSV`;
    const text = await admin.run({ sql, timeout: 10_000 });
    await admin.close();
    return text.trim();
  }

  #settings(user: string) {
    return readSettings({
      ...this.#place.environment,
      CLICKHOUSE_URL: server.url,
      CLICKHOUSE_USER: user,
      CLICKHOUSE_PASSWORD: PASSWORD,
    });
  }

  async #as<Result>(
    user: string,
    run: (
      ports: Awaited<ReturnType<typeof connect>> & typeof around & { pipeline: Pipeline },
    ) => Promise<Result>,
  ): Promise<Result> {
    const ports = await connect(this.pipeline, this.#settings(user), around);
    try {
      return await run({ ...ports, ...around, pipeline: this.pipeline });
    } finally {
      await ports.close();
    }
  }
}

describe.skipIf(reason)('a user from whom a row policy hides rows', () => {
  test('is refused by init with the filter, with and without rows', async ({ place }) => {
    const subject = new Subject(place, 'seen');
    await subject.makeTopic();
    const refused = {
      code: 'PH_TABLE_UNFIT',
      message: expect.stringMatching(/sees only the rows with id (% 10|MOD 10)/),
    };
    await expect(subject.init('tenant')).rejects.toMatchObject(refused);
    await subject.init('plain');
    await subject.publish();
    expect(await subject.consume('plain')).toMatchObject({ outcome: 'drained', rows: 20 });
    await expect(subject.init('tenant')).rejects.toMatchObject(refused);
    const least = new Server({ url: server.url, username: 'least', password: PASSWORD });
    const questions = new Questions(least, subject.pipeline.target, () => environment.now());
    expect(await rowFilter(questions, subject.pipeline.target, soon())).toContain('7');
    const copy = rowCopy(least, subject.pipeline.target, { database: 'hidden', table: 'copy' }, () =>
      environment.now(),
    );
    await expect(copy.columnsLeftOut(soon())).rejects.toMatchObject({ code: 'PH_ROWS_HIDDEN' });
    await least.close();
  });

  test('stores 20 messages as 20 rows and halts', async ({ place }) => {
    const subject = new Subject(place, 'once');
    await subject.makeTopic();
    await subject.init('plain');
    await subject.publish();
    for (let tick = 0; tick < 2; tick += 1) {
      expect(await subject.consume('tenant')).toMatchObject({
        outcome: 'halted',
        halt: { code: 'PH_HALT_ROWS_HIDDEN', reason: expect.stringContaining('7') },
      });
    }
    expect(await subject.count()).toBe('20\t20');
    await subject.resume();
    expect(await subject.consume('plain')).toMatchObject({ outcome: 'drained' });
    expect(await subject.count()).toBe('20\t20');
    expect(await subject.audit('plain')).toMatchObject({ exact: true, rows: 20 });
  });

  test('who comes later doubles nothing, and nobody repairs what is only hidden', async ({ place }) => {
    const subject = new Subject(place, 'later');
    await subject.makeTopic();
    await subject.init('plain');
    await subject.publish();
    await subject.consume('plain');
    await subject.publish();
    expect(await subject.consume('tenant')).toMatchObject({ halt: { code: 'PH_HALT_ROWS_HIDDEN' } });
    await expect(subject.audit('tenant')).rejects.toMatchObject({ code: 'PH_ROWS_HIDDEN' });
    await expect(subject.planRepair('tenant')).rejects.toMatchObject({ code: 'PH_ROWS_HIDDEN' });
    expect(await subject.count()).toBe('40\t40');
    await subject.resume();
    await subject.consume('plain');
    expect(await subject.audit('plain')).toMatchObject({ exact: true, rows: 40 });
  });
});
