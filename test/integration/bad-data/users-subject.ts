import { askedServers } from '../../../lib/assembly/answers/asked-servers.ts';
import { FirstAnswers } from '../../../lib/assembly/answers/first-answers.ts';
import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { type Diagnosis, diagnose } from '../../../lib/cli/diagnosis.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { initialise } from '../../../lib/initialise/initialise.ts';
import type { Pipeline, TargetOptions } from '../../../lib/pipeline/pipeline.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { resumePipeline } from '../../../lib/replay/pause.ts';
import { planReplay } from '../../../lib/replay/replay/plan.ts';
import { PASSWORD } from '../../support/clickhouse-of-users.ts';
import { createTopic, EVENTS_DDL, EVENTS_SOURCE, publishEvents } from '../../support/events.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import type { Place } from '../../support/place.ts';
import { requestOf } from '../replay/subject.ts';

const around = { environment, log: silentLog };
const soon = () => environment.now() + 60_000;

/** A user of that ClickHouse, or the variables by which another one is reached. */
export type Who = string | Readonly<Record<string, string>>;

/** A pipeline into a table on a ClickHouse with users of its own, and what each of them does. */
export class UsersSubject {
  readonly pipeline: Pipeline;
  readonly #place: Place;
  readonly #url: string;
  #published = 0;

  constructor(
    place: Place,
    url: string,
    table: string,
    target: TargetOptions & { readonly database?: string } = {},
  ) {
    this.#url = url;
    for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      process.env[name] = place.environment[name];
    const text = JSON.stringify({
      name: table,
      topic: place.topic(table),
      target: { database: 'hidden', table, ...target },
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

  init(user: Who, ddl = EVENTS_DDL) {
    return initialise(this.pipeline, this.#settings(user), around, { ddl, deadline: soon() });
  }

  consume(user: Who) {
    return this.#as(user, (ports) =>
      consume(ports, { partition: 0, owner: environment.uniqueId(), deadline: soon(), until: 'drained' }),
    );
  }

  audit(user: Who) {
    return this.#as(user, (ports) => audit(ports, {}, { deadline: soon() }));
  }

  /** What doctor says. */
  async diagnose(user: Who): Promise<readonly Diagnosis[]> {
    const settings = this.#settings(user);
    const ports = await connect(this.pipeline, settings, around);
    const terms = { environment, limit: 10_000, stop: new AbortController().signal };
    const answers = new FirstAnswers(askedServers(this.pipeline, settings, ports, around), terms);
    try {
      const session = { ...ports, ...around, pipeline: this.pipeline, settings, answers };
      return await diagnose(session, () => undefined);
    } finally {
      await ports.close();
    }
  }

  planRepair(user: Who) {
    const request = requestOf(this.pipeline, { mode: 'repair' });
    return this.#as(user, (ports) => planReplay(ports, request, ports, { deadline: soon() }));
  }

  resume() {
    const byHand = { by: 'a test', owner: environment.uniqueId(), deadline: soon() };
    return this.#as('admin', (ports) => resumePipeline(ports, byHand));
  }

  /** Rows as one who sees all of them counts, and distinct ones. */
  async count(): Promise<string> {
    const admin = new Server({ endpoints: [{ url: this.#url }], username: 'admin', password: PASSWORD });
    const { database, table } = this.pipeline.target;
    const sql = `SELECT count(), uniqExact(id) FROM ${database}.${table} FORMAT TSV`;
    const text = await admin.run({ sql, timeout: 10_000 });
    await admin.close();
    return text.trim();
  }

  #settings(user: Who) {
    return readSettings({
      ...this.#place.environment,
      ...(typeof user === 'string'
        ? { CLICKHOUSE_URL: this.#url, CLICKHOUSE_USER: user, CLICKHOUSE_PASSWORD: PASSWORD }
        : user),
    });
  }

  async #as<Result>(
    user: Who,
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
