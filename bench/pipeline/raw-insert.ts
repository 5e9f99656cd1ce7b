/**
 * A process that reads a topic's backlog, encodes it as the pipeline would, and then inserts it through the pipeline's
 * own sink, two bodies at once, in the format that CLICKHOUSE_ROW_FORMAT names. Prints what inserting alone took. Arguments:
 * pipeline file, partition topic, messages, process id of ClickHouse.
 */
import pLimit from 'p-limit';
import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment } from '../../lib/assembly/environment.ts';
import { createLog } from '../../lib/assembly/log.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { loadPipelines } from '../../lib/configuration/load.ts';
import { BEFORE_ALL } from '../../lib/pipeline/position.ts';
import type { BatchBody } from '../../lib/ports/sink.ts';
import { cpuMicroseconds } from './server-cpu.ts';

const PATIENCE = 60_000;
const AT_ONCE = 2;

const [file = '', topic = '', count = '', clickhouse = ''] = process.argv.slice(2);
const messages = Number(count);
const {
  pipelines: [pipeline],
} = await loadPipelines([file]);
if (!pipeline) throw new Error(`${file} holds no pipeline`);
const around = { environment: systemEnvironment, log: createLog() };
const { transport, sink, close } = await connect(pipeline, readSettings(process.env), around, [
  'transport',
  'sink',
]);
const until = () => systemEnvironment.now() + PATIENCE;

const reader = await transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: 32 << 20 }, until());
const bodies: BatchBody[] = [];
let body = sink.newBody(0);
let read = 0;
while (read < messages) {
  const entry = reader.poll() ?? (await reader.next(PATIENCE));
  if (!entry) throw new Error(`nothing came after ${read} of ${messages} messages`);
  body.add(entry);
  read += entry.messages;
  if (body.rows >= pipeline.batch.maxRows || read >= messages) {
    bodies.push(body);
    body = sink.newBody(0);
  }
}
await reader.close();

/** Not known of a server that is not ours. */
const serverCpu = () => (clickhouse === '' ? Number.NaN : cpuMicroseconds(Number(clickhouse)));

const ownBefore = process.cpuUsage();
const serverBefore = serverCpu();
const begun = performance.now();
await pLimit(AT_ONCE).map(bodies, async (one, index) => {
  const name = `raw-insert-${index}-${systemEnvironment.uniqueId()}`;
  const outcome = await sink.insert({
    body: one,
    token: name,
    queryId: name,
    notAfter: until(),
    deadline: until(),
  });
  if (outcome.kind !== 'stored') throw outcome.error;
});
const milliseconds = performance.now() - begun;
const own = process.cpuUsage(ownBefore);
const clickhouseCpuMicroseconds = serverCpu() - serverBefore;
await close();
const used = {
  rows: read,
  milliseconds,
  cpuMicroseconds: own.user + own.system,
  clickhouseCpuMicroseconds,
  peakKilobytes: process.resourceUsage().maxRSS,
};
process.stdout.write(`${JSON.stringify(used)}\n`);
