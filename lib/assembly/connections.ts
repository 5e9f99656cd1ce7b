import type { Server } from '../clickhouse/server.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { withRangesInObjects } from '../ports/ranges-in-objects.ts';
import type { ReplayStore } from '../ports/replay-store.ts';
import type { Sink } from '../ports/sink.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { TargetTable } from '../ports/target-table.ts';
import type { Transport } from '../ports/transport.ts';
import { objectStoreOnDemand } from './object-store-on-demand.ts';
import { openBucket, openServer, openStateTable, openTransport, type Surroundings } from './servers.ts';
import type { Settings } from './settings.ts';

/** The ports of one pipeline. */
export interface Ports {
  readonly transport: Transport;
  readonly sink: Sink;
  readonly table: TargetTable;
  readonly state: StateStore;
  readonly objects: ObjectStore;
  readonly replays: ReplayStore;
}

export type PortName = keyof Ports;

/** Ports on real servers. Nothing is sent before the first call of one. */
export type Connections<Name extends PortName = PortName> = Pick<Ports, Name> & {
  /** Closes every connection; idempotent. A port must not be used after it. */
  close(): Promise<void>;
};

interface Opened<Port> {
  readonly port: Port;
  close(): Promise<void> | void;
}

interface Given {
  readonly pipeline: Pipeline;
  readonly settings: Settings;
  readonly around: Surroundings;
  /** One for all ports on ClickHouse, so that all go by the same endpoint. */
  server(): Promise<Server>;
}

const FALLBACK =
  'ClickHouse, or what stands before it, refuses inserts of RowBinary and takes the same rows as JSON: all are sent as JSON from now on. CLICKHOUSE_ROW_FORMAT=JSONEachRow sends no other';

type Openers = {
  readonly [Name in PortName]: (given: Given) => Promise<Opened<Ports[Name]>>;
};

const OPENERS: Openers = {
  async transport({ pipeline, settings, around }) {
    const port = await openTransport(settings, around, pipeline);
    return { port, close: () => port.close() };
  },
  async sink({ pipeline, settings, around, ...given }) {
    const server = await given.server();
    const { ClickHouseSink } = await import('../clickhouse/sink.ts');
    const { rowFormatOf } = await import('../clickhouse/row-format.ts');
    const sink = new ClickHouseSink(pipeline, server, around.environment, {
      format: rowFormatOf(pipeline, settings.clickhouse.rowFormat),
      onFallback: () => around.log.warn(FALLBACK),
    });
    return { port: sink, close: () => server.close() };
  },
  async table({ pipeline, around, ...given }) {
    const server = await given.server();
    const { Questions } = await import('../clickhouse/questions.ts');
    const { targetTable } = await import('../clickhouse/target-table.ts');
    const { target } = pipeline;
    const questions = new Questions(server, target, () => around.environment.now());
    return { port: targetTable(questions, target), close: () => server.close() };
  },
  async state({ settings, around }) {
    const table = await openStateTable(settings, around);
    const { dynamoStateStore } = await import('../dynamodb/state-store.ts');
    const port = dynamoStateStore(table);
    return { port, close: () => port.close() };
  },
  async objects({ settings, around }) {
    return objectStoreOnDemand(() => openBucket(settings, around));
  },
  async replays({ settings, around }) {
    const table = await openStateTable(settings, around);
    const { dynamoReplayStore } = await import('../dynamodb/replay-items.ts');
    const objects = objectStoreOnDemand(() => openBucket(settings, around));
    return {
      port: withRangesInObjects(dynamoReplayStore(table), objects.port),
      close: async () => {
        table.client.destroy();
        await objects.close();
      },
    };
  },
};

const ALL: readonly PortName[] = ['transport', 'sink', 'table', 'state', 'objects', 'replays'];

/**
 * Puts a pipeline's ports on the servers of the settings: the only place that knows which adapter stands behind which
 * port. Only the named ones are loaded and made.
 */
export async function connect<Name extends PortName = PortName>(
  pipeline: Pipeline,
  settings: Settings,
  around: Surroundings,
  names: readonly Name[] = ALL as readonly Name[],
): Promise<Connections<Name>> {
  let server: Promise<Server> | undefined;
  const given: Given = {
    ...{ pipeline, settings, around },
    server() {
      server ??= openServer(settings, pipeline);
      return server;
    },
  };
  const opened = await Promise.all(names.map(async (name) => ({ name, ...(await OPENERS[name](given)) })));
  const ports = Object.fromEntries(opened.map(({ name, port }) => [name, port])) as Pick<Ports, Name>;
  let closing: Promise<unknown> | undefined;
  return {
    ...ports,
    async close() {
      closing ??= Promise.all(opened.map(({ close }) => close()));
      await closing;
    },
  };
}
