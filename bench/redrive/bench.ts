import { randomUUID } from 'node:crypto';
import { connect } from '../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../lib/assembly/environment.ts';
import { readSettings } from '../../lib/assembly/settings.ts';
import { parsePipeline } from '../../lib/configuration/parse.ts';
import { consume } from '../../lib/consume/consume.ts';
import type { Pipeline } from '../../lib/pipeline/pipeline.ts';
import { openProducer } from '../../lib/pulsar/wire/producer.ts';
import { audit } from '../../lib/replay/audit/audit.ts';
import type { ReplayRequest } from '../../lib/replay/replay/plan.ts';
import { planRedrive } from '../../lib/replay/replay/redrive.ts';
import { advanceReplay, startReplay } from '../../lib/replay/replay/replay.ts';
import { type ServerAddresses, setUpEvents } from '../../test/support/events.ts';
import { silentLog } from '../../test/support/events-pipeline.ts';
import { onStack } from '../on-stack.ts';

export interface RedriveOptions {
  readonly letters: number;
  readonly entries: number;
  readonly json: boolean;
}

interface Measured {
  readonly consumeMilliseconds: number;
  readonly planMilliseconds: number;
  readonly redriveMilliseconds: number;
  readonly auditMilliseconds: number;
}

const MESSAGES_AN_ENTRY = 10;
/** As the command gives a turn. */
const TURN = 30_000;
const TIME = 1_800_000;
const BAD = { fields: { id: 'UInt64' }, columns: { id: 'id' } };
const MENDED = { fields: { id: 'String' }, columns: { id: "toUInt64(replaceOne(id, 'no ', ''))" } };

/** Dead letters thinly spread over many entries, the mapping mended, and all of them put through it again. */
export async function benchRedrive(options: RedriveOptions): Promise<void> {
  await onStack(async ({ stack, say }) => {
    const measured = await measureRedrive(stack.environment, options, say);
    if (options.json) process.stdout.write(`${JSON.stringify({ ...options, ...measured })}\n`);
  });
}

export async function measureRedrive(
  servers: ServerAddresses,
  { letters, entries }: Pick<RedriveOptions, 'letters' | 'entries'>,
  say: (line: string) => void,
): Promise<Measured> {
  Object.assign(process.env, servers);
  const id = randomUUID().slice(0, 8);
  const own = { ...servers, PULSEHOUSE_STATE_TABLE: `redrive-${id}`, PULSEHOUSE_BUCKET: `redrive-${id}` };
  const strict = describePipeline(id, BAD);
  await setUpEvents(own, strict, 1);
  await publish(own, `${strict.topic}-partition-0`, letters, entries);
  say(`${entries * MESSAGES_AN_ENTRY} messages in ${entries} entries published, ${letters} of them bad`);

  const before = await open(own, strict);
  const consumed = await timed(async () => {
    for (;;) {
      const request = { partition: 0, owner: environment.uniqueId(), deadline: environment.now() + TIME };
      const { outcome, halt } = await consume(before, { ...request, until: 'drained' });
      if (outcome === 'drained') return;
      if (halt) throw new Error(halt.reason);
    }
  });
  say(`consumed in ${consumed} ms`);
  await before.close();

  const mended = await open(own, describePipeline(id, MENDED));
  const request: ReplayRequest = {
    mode: 'redrive',
    from: { kind: 'origin' },
    to: { kind: 'committed' },
    target: mended.pipeline.target,
  };
  const deadline = environment.now() + TIME;
  const begun = environment.now();
  const plan = await planRedrive(mended, request, deadline);
  const planned = environment.now() - begun;
  const [range] = plan.ranges;
  if (range?.deadLetters !== letters) throw new Error(`${range?.deadLetters} dead letters were planned`);
  say(`planned in ${planned} ms`);
  const redriven = await timed(async () => {
    const record = await startReplay(mended, plan, 'bench', deadline);
    for (let done = false; !done; ) {
      const turn = { owner: environment.uniqueId(), deadline: environment.now() + TURN };
      const progress = await advanceReplay(mended, record, mended, turn);
      const [halted] = progress.partitions.flatMap(({ halt }) => halt ?? []);
      if (halted) throw new Error(halted.reason);
      done = progress.done;
    }
  });
  say(`redriven in ${redriven} ms`);
  const audited = await timed(async () => {
    const report = await audit(mended, {}, { deadline });
    if (!report.exact || report.deadLetters > 0) throw new Error(`not exact: ${JSON.stringify(report)}`);
  });
  await mended.close();
  return {
    consumeMilliseconds: consumed,
    planMilliseconds: planned,
    redriveMilliseconds: redriven,
    auditMilliseconds: audited,
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = environment.now();
  await work();
  return environment.now() - begun;
}

async function open(servers: ServerAddresses, pipeline: Pipeline) {
  const around = { environment, log: silentLog };
  return { ...(await connect(pipeline, readSettings(servers), around)), ...around, pipeline };
}

async function publish(
  servers: ServerAddresses,
  topic: string,
  letters: number,
  entries: number,
): Promise<void> {
  const serviceUrl = servers['PULSAR_SERVICE_URL'] ?? '';
  const producer = await openProducer({ serviceUrl, environment, log: silentLog }, topic);
  const sent: Promise<unknown>[] = [];
  let bad = 0;
  for (let entry = 0; entry < entries; entry += 1) {
    const wanted = Math.round((letters * (entry + 1)) / entries) - bad;
    if (wanted > MESSAGES_AN_ENTRY) throw new Error(`an entry has ${MESSAGES_AN_ENTRY} messages`);
    bad += wanted;
    const messages = Array.from({ length: MESSAGES_AN_ENTRY }, (_, index) => {
      const number = entry * MESSAGES_AN_ENTRY + index;
      const text = index < wanted ? `{"id":"no ${number}"}` : `{"id":${number}}`;
      return { payload: Buffer.from(text) };
    });
    sent.push(producer.sendBatch(messages));
    if (sent.length === 500) await Promise.all(sent.splice(0));
  }
  await Promise.all(sent);
  await producer.close();
}

function describePipeline(id: string, { fields, columns }: typeof BAD | typeof MENDED): Pipeline {
  const text = JSON.stringify({
    name: 'redrive',
    topic: `persistent://public/default/redrive-${id}`,
    target: { database: `redrive_${id}`, table: 'events' },
    source: { format: 'json', fields },
    columns,
    deadLetters: { maxRatio: 1 },
    // A quarter of all messages is bad: found in small batches they are found soon, and lie in more objects.
    batch: { maxRows: 10_000 },
  });
  const { pipeline, problems } = parsePipeline(text, 'redrive.yml');
  if (!pipeline) throw new Error(`the pipeline is wrong: ${JSON.stringify(problems)}`);
  return pipeline;
}
