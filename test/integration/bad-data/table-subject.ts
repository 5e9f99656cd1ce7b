import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { initialise } from '../../../lib/initialise/initialise.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { planReplay } from '../../../lib/replay/replay/plan.ts';
import { createTopic } from '../../support/events.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import type { Place } from '../../support/place.ts';
import { requestOf } from '../replay/subject.ts';

const around = { environment, log: silentLog };
const soon = () => environment.now() + 90_000;
const POSITIONS = `_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32,
PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)`;

export interface Table {
  readonly fields: Readonly<Record<string, string>>;
  readonly columns: Readonly<Record<string, string>>;
  /** Its columns, and what stands behind the engine. */
  readonly definition: string;
  readonly tail: string;
  /** Further settings of the table. */
  readonly settings?: string;
}

/** A pipeline into such a table, on one partition. */
export class Subject {
  readonly pipeline: Pipeline;
  readonly #place: Place;
  readonly #ddl: string;

  constructor(place: Place, { columns, definition, fields, settings, tail }: Table, further: object = {}) {
    for (const name of ['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      process.env[name] = place.environment[name];
    const text = JSON.stringify({
      name: 'outcomes',
      topic: place.topic('outcomes'),
      target: { database: place.database, table: 'outcomes' },
      source: { fields },
      columns,
      ...further,
    });
    const { pipeline, problems } = parsePipeline(text, 'outcomes.yml');
    if (!pipeline) throw new Error(JSON.stringify(problems));
    this.pipeline = pipeline;
    this.#place = place;
    this.#ddl = `CREATE TABLE {database:Identifier}.{table:Identifier} (${definition}, ${POSITIONS})
ENGINE = MergeTree ${tail} SETTINGS non_replicated_deduplication_window = 1000${settings === undefined ? '' : `, ${settings}`};`;
  }

  async begin(messages: readonly object[]): Promise<void> {
    await createTopic(this.#place.environment, this.pipeline.topic, 1);
    const settings = readSettings(this.#place.environment);
    await initialise(this.pipeline, settings, around, { ddl: this.#ddl, deadline: soon() });
    const wire = { serviceUrl: settings.pulsar.serviceUrl, ...around };
    const producer = await openProducer(wire, `${this.pipeline.topic}-partition-0`);
    for (let first = 0; first < messages.length; first += 1000) {
      const batch = messages.slice(first, first + 1000);
      await producer.sendBatch(batch.map((message) => ({ payload: Buffer.from(JSON.stringify(message)) })));
    }
    await producer.close();
  }

  consume() {
    return this.#with((ports) =>
      consume(ports, { partition: 0, owner: environment.uniqueId(), deadline: soon(), until: 'drained' }),
    );
  }

  audit() {
    return this.#with((ports) => audit(ports, {}, { deadline: soon() }));
  }

  planRepair() {
    const request = requestOf(this.pipeline, { mode: 'repair' });
    return this.#with((ports) => planReplay(ports, request, ports, { deadline: soon() }));
  }

  async #with<Result>(
    run: (
      ports: Awaited<ReturnType<typeof connect>> & typeof around & { pipeline: Pipeline },
    ) => Promise<Result>,
  ): Promise<Result> {
    const ports = await connect(this.pipeline, readSettings(this.#place.environment), around);
    try {
      return await run({ ...ports, ...around, pipeline: this.pipeline });
    } finally {
      await ports.close();
    }
  }
}
