import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { vi } from 'vitest';
import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { openStateTable } from '../../../lib/assembly/servers.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import type { ItemKey } from '../../../lib/dynamodb/keys.ts';
import { type InitReport, initialise } from '../../../lib/initialise/initialise.ts';
import type { CycleState } from '../../../lib/pipeline/cycle-state.ts';
import type { PartitionState } from '../../../lib/pipeline/partition-state.ts';
import type { Pipeline } from '../../../lib/pipeline/pipeline.ts';
import type { Position } from '../../../lib/pipeline/position.ts';
import type { Log } from '../../../lib/ports/log.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import type { Place } from '../../support/place.ts';

export const soon = () => systemEnvironment.now() + 60_000;

const ignore = () => undefined;
const silent: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore, with: () => silent };
const around = { environment: systemEnvironment, log: silent };

/** The DDL of the tests' small table. */
export const DDL = `CREATE TABLE IF NOT EXISTS {database:Identifier}.{table:Identifier}
(
  a String, _partition UInt32, _ledger Int64, _entry Int64, _index UInt32, _row UInt32,
  PROJECTION p (SELECT _partition, _ledger, _entry, _index, _row ORDER BY _partition, _ledger, _entry, _index, _row)
)
ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 1000;
`;

/** A pipeline in a place of its own, and what the tests do to it. */
export class InitSubject {
  readonly place: Place;
  readonly pipeline: Pipeline;

  constructor(place: Place, changes: Partial<Pipeline> = {}) {
    // The SDK finds credentials by itself, in the process's environment.
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    this.place = place;
    this.pipeline = { ...pipelineIn(place), ...changes };
  }

  /** Another pipeline, or the same one changed, in the same place. */
  with(changes: Partial<Pipeline>): InitSubject {
    return new InitSubject(this.place, { ...this.pipeline, ...changes });
  }

  settings(without: readonly string[] = []) {
    const kept = Object.entries(this.place.environment).filter(([name]) => !without.includes(name));
    return readSettings(Object.fromEntries(kept));
  }

  init(ddl: string | undefined = DDL, without: readonly string[] = []): Promise<InitReport> {
    return initialise(this.pipeline, this.settings(without), around, { ddl, deadline: soon() });
  }

  connect() {
    return connect(this.pipeline, this.settings(), around, ['transport', 'state', 'objects']);
  }

  async makeTopic(partitions = 2): Promise<void> {
    const path = `persistent/${this.place.namespace}/events/partitions`;
    await this.place.admin('PUT', path, partitions);
  }

  /** One entry of one message for each payload; answers the last one's position. */
  async publish(partition: number, ...payloads: readonly string[]): Promise<Position> {
    const { serviceUrl } = this.settings().pulsar;
    const topic = `${this.pipeline.topic}-partition-${partition}`;
    const producer = await openProducer({ serviceUrl, ...around }, topic);
    try {
      let last: Position = { ledger: -1, entry: -1 };
      for (const payload of payloads) last = await producer.send({ payload: Buffer.from(payload) });
      return last;
    } finally {
      await producer.close();
    }
  }

  /** Takes items out of the state table, as a restore from an older backup might. */
  async forget(key: ItemKey): Promise<void> {
    const { client, name } = await openStateTable(this.settings(), around);
    await client.send(new DeleteItemCommand({ TableName: name, Key: { ...key } }));
    client.destroy();
  }

  async standing(): Promise<{ cycle: CycleState | undefined; states: readonly PartitionState[] }> {
    const { state, close } = await this.connect();
    try {
      const cycle = await state.readCycle(this.pipeline.name, soon());
      return {
        cycle,
        states: await state.readPartitions(this.pipeline.name, cycle?.partitions ?? 0, soon()),
      };
    } finally {
      await close();
    }
  }
}

function pipelineIn(place: Place): Pipeline {
  const { pipeline, problems } = parsePipeline(
    `name: init
topic: ${place.topic('events')}
target: { database: ${place.database}, table: events }
source: { fields: { a: String } }
columns: { a: a }
`,
    'pipeline.yml',
  );
  if (!pipeline) throw new Error(JSON.stringify(problems));
  return pipeline;
}

/** `outcome message` of each step, without the names that differ from run to run. */
export function told({ steps }: InitReport, { place }: InitSubject): string[] {
  return steps.map(({ outcome, message }) =>
    `${outcome} ${message}`
      .replaceAll(place.namespace, 'N')
      .replaceAll(place.environment['PULSEHOUSE_STATE_TABLE'] ?? '', 'T')
      .replaceAll(place.database, 'D')
      .replaceAll(/\d+:-?\d+/g, 'P')
      .replaceAll(/\d{8}T\w+-\w+/g, 'G'),
  );
}
