import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REFERENCE_DDL } from '../examples/support/pipeline-file.ts';
import { reading } from '../examples/iot/readings.ts';
import { packageRoot } from '../infra/local/package-root.ts';
import { systemEnvironment } from '../lib/assembly/environment.ts';
import { createTerminal, table } from '../lib/cli/terminal.ts';
import { COMPRESSIONS, type Compression, hasZstd } from '../lib/clickhouse/compression/compression.ts';
import { rowFormatOf } from '../lib/clickhouse/row-format.ts';
import { Server } from '../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../lib/clickhouse/sink.ts';
import { loadPipelines } from '../lib/configuration/load.ts';
import { entryOf } from '../test/support/entry-of.ts';
import { onStack } from './on-stack.ts';
import { median, round } from './pipeline/measured.ts';
import { cpuMicroseconds } from './pipeline/server-cpu.ts';

/**
 * `npx tsx bench/compression.ts`: what sending reference messages to a real ClickHouse costs by format of the rows and by
 * compression, the bodies made before: bytes a row that the server received, microseconds of CPU a row here and there. Medians;
 * zstd only under a Node that has it. Last line: the same as JSON.
 */
const ROUNDS = 5;
const BATCHES = 3;
const ROWS = 200_000;
const PER_ENTRY = 1_000;
const PATIENCE = 60_000;
const FORMATS = ['JSONEachRow', 'RowBinary'] as const;

interface Cost {
  readonly bytes: number;
  readonly own: number;
  readonly clickhouse: number;
}

const sent: readonly Compression[] = COMPRESSIONS.filter((name) => name !== 'zstd' || hasZstd);
const costs = new Map<string, Cost[]>();

await onStack(
  async ({ stack, say }) => {
    const {
      pipelines: [pipeline],
    } = await loadPipelines([join(packageRoot, 'examples', 'iot', 'pipeline.yml')]);
    const pid = stack.server('clickhouse').processes?.server;
    if (!pipeline || pid === undefined) throw new Error('there is no pipeline, or no server of our own');
    const identity = {
      endpoints: [{ url: stack.environment['CLICKHOUSE_URL'] ?? '' }],
      username: stack.environment['CLICKHOUSE_USER'] ?? '',
      password: stack.environment['CLICKHOUSE_PASSWORD'] ?? '',
    };
    const server = new Server({ ...identity, compression: 'none' });
    const ddl = await readFile(REFERENCE_DDL, 'utf8');
    for (const statement of ddl.split(/;\s*$/m).filter((text) => /\bCREATE\b/.test(text)))
      await server.run({ sql: statement, parameters: { ...pipeline.target }, timeout: PATIENCE });
    const received = async () => {
      const sql = "SELECT value FROM system.events WHERE event = 'NetworkReceiveBytes'";
      return Number(await server.run({ sql, timeout: PATIENCE }));
    };

    for (let turn = 0; turn < ROUNDS; turn++) {
      for (const name of FORMATS) {
        for (const compression of sent) {
          const options = { format: rowFormatOf(pipeline, name) };
          const sink = new ClickHouseSink(
            pipeline,
            new Server({ ...identity, compression }),
            systemEnvironment,
            options,
          );
          const before = { bytes: 0, own: 0, clickhouse: 0 };
          for (let batch = 0; batch < BATCHES; batch++) {
            const body = sink.newBody(0);
            for (let entry = 0; entry < ROWS / PER_ENTRY; entry++)
              body.add(readings(batch * ROWS + entry * PER_ENTRY));
            const [bytes, own, clickhouse] = [await received(), process.cpuUsage(), cpuMicroseconds(pid)];
            const until = Date.now() + PATIENCE;
            const id = systemEnvironment.uniqueId();
            const outcome = await sink.insert({
              body,
              token: id,
              queryId: id,
              notAfter: until,
              deadline: until,
            });
            if (outcome.kind !== 'stored') throw outcome.error;
            const { user, system } = process.cpuUsage(own);
            before.own += user + system;
            before.clickhouse += cpuMicroseconds(pid) - clickhouse;
            before.bytes += (await received()) - bytes;
          }
          await sink.close();
          await server.run({ sql: `TRUNCATE TABLE ${sink.table} SYNC`, timeout: PATIENCE });
          const key = `${name} ${compression}`;
          costs.set(key, [...(costs.get(key) ?? []), perRow(before)]);
        }
      }
      say(`round ${turn + 1} of ${ROUNDS}`);
    }
    await server.close();
  },
  { servers: ['clickhouse'] },
);

const results = Object.fromEntries([...costs].map(([key, of]) => [key, mediansOf(of)]));
const terminal = createTerminal(false);
const lines = Object.entries(results).map(([key, cost]) => [key, ...Object.values(cost).map(String)]);
terminal.say(table(terminal.colour, ['', 'bytes a row', 'own us', 'ClickHouse us'], lines));
process.stdout.write(`${JSON.stringify(results)}\n`);

function readings(first: number) {
  const payloads = Array.from({ length: PER_ENTRY }, (_, index) => reading(first + index, 1_764_000_000_000));
  return entryOf({ ledger: 1, entry: first / PER_ENTRY }, payloads, 1_764_000_000_000);
}

function perRow({ bytes, own, clickhouse }: Cost): Cost {
  const rows = BATCHES * ROWS;
  return { bytes: bytes / rows, own: own / rows, clickhouse: clickhouse / rows };
}

function mediansOf(all: readonly Cost[]): Cost {
  const over = (value: (cost: Cost) => number) => round(median(all.map(value)));
  return {
    bytes: over((cost) => cost.bytes),
    own: over((cost) => cost.own),
    clickhouse: over((cost) => cost.clickhouse),
  };
}
