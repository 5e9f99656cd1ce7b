import { describe, expect } from 'vitest';
import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { consume } from '../../../lib/consume/consume.ts';
import { initialise } from '../../../lib/initialise/initialise.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { createTopic } from '../../support/events.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';

const around = { environment, log: silentLog };
const soon = () => environment.now() + 90_000;
const POSITIONS = `_partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32,
PROJECTION _positions (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)`;

interface Table {
  readonly fields: Readonly<Record<string, string>>;
  readonly columns: Readonly<Record<string, string>>;
  /** Its columns, and what stands behind the engine. */
  readonly definition: string;
  readonly tail: string;
}

/** A pipeline into such a table, on one partition. */
class Subject {
  readonly pipeline: Pipeline;
  readonly #place: Place;
  readonly #ddl: string;

  constructor(place: Place, { columns, definition, fields, tail }: Table, further: object = {}) {
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
ENGINE = MergeTree ${tail} SETTINGS non_replicated_deduplication_window = 1000;`;
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

describe('a batch', () => {
  test('over 400 table partitions is stored', async ({ place }) => {
    const subject = new Subject(place, {
      fields: { id: 'UInt64', time: 'DateTime' },
      columns: { id: 'id', time: 'time' },
      definition: 'id UInt64, time DateTime',
      tail: 'PARTITION BY toYYYYMMDD(time) ORDER BY id',
    });
    const day = (id: number) => new Date(Date.UTC(2025, 9, 1 + (id % 400))).toISOString().slice(0, 10);
    await subject.begin(Array.from({ length: 2000 }, (_, id) => ({ id, time: `${day(id)} 00:00:00` })));
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 2000 });
    const counted = `SELECT count(), uniqExact(id), uniqExact(toDate(time)) FROM ${place.database}.outcomes FORMAT TSV`;
    expect((await place.query(counted)).trim()).toBe('2000\t2000\t400');
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 2000 });
  });
});

describe('a time that its column cannot hold', () => {
  const TIMES: readonly Table[] = [
    {
      fields: { id: 'UInt64', time: 'DateTime64(3)' },
      columns: { id: 'id', day: 'toDate(time)' },
      definition: 'id UInt64, day Date',
      tail: 'ORDER BY id',
    },
    {
      fields: { id: 'UInt64', time: 'DateTime64(3)' },
      columns: { id: 'id', time: 'time' },
      definition: 'id UInt64, time DateTime64(3), day Date DEFAULT toDate(time)',
      tail: 'PARTITION BY day ORDER BY id',
    },
  ];
  test.for(TIMES)(
    'is a dead letter, and no other time: $fields.time into $definition',
    async (table, { place }) => {
      const subject = new Subject(place, table);
      const messages = Array.from({ length: 20 }, (_, id) => ({ id, time: '2026-11-01 00:00:00' }));
      messages[7] = { id: 7, time: '2299-01-01 00:00:00' };
      await subject.begin(messages);
      expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 19, deadLetters: 1 });
      expect((await place.query(`SELECT count() FROM ${place.database}.outcomes WHERE id = 7`)).trim()).toBe(
        '0',
      );
    },
  );

  test.for([
    { field: 'DateTime', by: 'text' },
    { field: 'DateTime64(3)', by: 'a column that is narrower than its expression' },
  ])('is the last one where no function converts it, but $by', async ({ field }, { place }) => {
    const subject = new Subject(place, {
        fields: { id: 'UInt64', time: field },
        columns: { id: 'id', time: 'time' },
        definition: 'id UInt64, time DateTime',
        tail: 'ORDER BY id',
      });
      await subject.begin([{ id: 7, time: '2299-01-01 00:00:00' }]);
      expect(await subject.consume()).toMatchObject({ outcome: 'drained', rows: 1 });
      const found = await place.query(`SELECT toUnixTimestamp(time) FROM ${place.database}.outcomes`);
      expect(Number(found)).toBe(2 ** 32 - 1);
    },
  );
});
