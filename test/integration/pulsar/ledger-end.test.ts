import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../../infra/local/cache.ts';
import { PULSAR_VERSIONS } from '../../../infra/local/pulsar-package.ts';
import { type Stack, startStack } from '../../../infra/local/stack.ts';
import { BEFORE_ALL, formatPosition, type Position } from '../../../lib/pipeline/position.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import {
  type BrokerAddresses,
  payloadsOf,
  readEntries,
  soon,
  wireOptions,
} from '../../contract/transport/transport-under-test.ts';
import { FaultProxy, type Passing } from './fault-proxy.ts';

/** Ends a ledger after its aborted transaction. */
const ABORT = 'abort';

const libraries = join(cacheFolder(), `pulsar-${PULSAR_VERSIONS[0]}`, 'lib', '*');
let directory: string;
let stack: Stack;
let topics = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pulsehouse-ledgers-'));
  stack = await startStack({
    directory,
    servers: ['pulsar'],
    ephemeral: true,
    pulsar: {
      quickStart: true,
      configuration: ['transactionCoordinatorEnabled=true', 'autoSkipNonRecoverableData=true'],
    },
  });
});

afterAll(() => stack?.stop());

function addresses(): BrokerAddresses {
  return {
    serviceUrl: stack.environment['PULSAR_SERVICE_URL'] ?? '',
    adminUrl: stack.environment['PULSAR_ADMIN_URL'] ?? '',
  };
}

/** A topic of one ledger for each list, whose entries hold these texts; a subscription keeps all of them. */
async function publishLedgers(ledgers: readonly (readonly string[])[]): Promise<{
  readonly topic: string;
  readonly positions: readonly Position[];
}> {
  const { serviceUrl, adminUrl } = addresses();
  const name = `ledgers-${topics++}`;
  const topic = `persistent://public/default/${name}`;
  const positions: Position[] = [];
  for (const [index, texts] of ledgers.entries()) {
    if (index > 0)
      await fetch(`${adminUrl}/admin/v2/persistent/public/default/${name}/unload`, { method: 'PUT' });
    const producer = await openProducer(wireOptions(addresses()), topic);
    if (index === 0) {
      const transport = createWireTransport(wireOptions(addresses()));
      await transport.ensureSubscription(topic, 'hold', { at: 'earliest' }, soon());
      await transport.close();
    }
    for (const text of texts) {
      if (text !== ABORT) positions.push(await producer.send({ payload: Buffer.from(text) }));
      else abortTransaction(serviceUrl, topic);
    }
    await producer.close();
  }
  return { topic, positions };
}

function abortTransaction(serviceUrl: string, topic: string): void {
  const source = join(import.meta.dirname, 'AbortedTransaction.java');
  execFileSync('java', ['-cp', libraries, source, serviceUrl, topic], { stdio: 'pipe' });
}

/** Takes a ledger away from the bookies, as their loss would; the broker is away meanwhile. */
async function loseLedger(ledger: number): Promise<void> {
  await stack.server('pulsar').stop();
  const configuration = join(directory, 'shell.conf');
  const metadata = join(directory, 'pulsar', 'data', 'metadata');
  await writeFile(configuration, `metadataServiceUri=metadata-store:rocksdb://${metadata}\n`);
  const drivers = 'org.apache.pulsar.metadata.bookkeeper.PulsarMetadata';
  execFileSync(
    'java',
    [
      ...['-cp', libraries],
      `-Dbookkeeper.metadata.bookie.drivers=${drivers}BookieDriver`,
      `-Dbookkeeper.metadata.client.drivers=${drivers}ClientDriver`,
      ...['org.apache.bookkeeper.bookie.BookieShell', '-conf', configuration],
      ...['deleteledger', '-force', '-ledgerid', `${ledger}`],
    ],
    { stdio: 'pipe' },
  );
  await stack.server('pulsar').start();
}

interface Setting {
  /** Numbers of the entries, in the order of positions, whose MESSAGE never arrives. */
  readonly lost?: readonly number[];
  /** Stands before the admin API; answers whether it answered. */
  readonly guard?: (path: string, answer: Parameters<RequestListener>[1]) => boolean;
}

/** Reads the topic through a proxy that loses entries; answers what was read and what the admin API was asked. */
async function read(
  topic: string,
  count: number,
  { lost = [], guard = () => false }: Setting,
  after = BEFORE_ALL,
): Promise<{ readonly texts: readonly (string | undefined)[]; readonly asked: readonly string[] }> {
  const proxy = await FaultProxy.open(addresses().serviceUrl);
  const asked: string[] = [];
  const admin = createServer((request, answer) => {
    const path = (request.url ?? '').replace(/^.*\/ledgers-\d+\//, '');
    asked.push(path);
    if (guard(path, answer)) return;
    answer.writeHead(307, { location: `${addresses().adminUrl}${request.url}` }).end();
  });
  await once(admin.listen(0, '127.0.0.1'), 'listening');
  let messages = 0;
  proxy.decide = ({ from, command }: Passing) =>
    from === 'broker' && command === 'message' && lost.includes(messages++) ? 'swallow' : 'pass';
  const adminUrl = `http://127.0.0.1:${(admin.address() as AddressInfo).port}`;
  const transport = createWireTransport(wireOptions({ serviceUrl: proxy.serviceUrl, adminUrl }));
  try {
    const reader = await transport.openReader(topic, { after, maxBufferedBytes: 100_000 }, soon());
    const entries = await readEntries(reader, count);
    return { texts: entries.flatMap(payloadsOf), asked };
  } finally {
    await transport.close();
    await proxy.close();
    admin.closeAllConnections();
    admin.close();
  }
}

it('what an aborted transaction leaves at the end of a topic is known to be nothing that a reader is shown', async () => {
  const { topic, positions } = await publishLedgers([['a', 'b', ABORT]]);
  const [first = BEFORE_ALL, last = BEFORE_ALL] = positions;
  const transport = createWireTransport(wireOptions(addresses()));
  expect(await transport.hasOnlyMarkers(topic, last, soon())).toBe(true);
  expect(await transport.hasOnlyMarkers(topic, first, soon())).toBe(false);
  await transport.close();
});

describe('where reading goes on in another ledger', () => {
  const LEDGERS = [['a', 'b', 'c'], ['d'], ['e', 'f']];
  const TEXTS = LEDGERS.flat();

  it('one question for each ledger shows that nothing was left out, from wherever reading begins', async () => {
    const { topic, positions } = await publishLedgers(LEDGERS);
    expect(await read(topic, 6, {})).toEqual({ texts: TEXTS, asked: ['internalStats', 'internalStats'] });
    for (const [index, after] of positions.entries()) {
      const { texts } = await read(topic, TEXTS.length - index - 1, {}, after);
      expect(texts).toEqual(TEXTS.slice(index + 1));
    }
  });

  it.each([
    ['the last entry of a ledger', [2], 2, 1, 3, 2],
    ['a whole ledger', [3], 3, 2, 4, 3],
    ['the first entry of a ledger', [4], 4, 3, 5, 4],
  ])('%s that was left out halts, with both positions', async (_, lost, given, seen, next, missing) => {
    const { topic, positions } = await publishLedgers(LEDGERS);
    const [from, to, at] = [seen, next, missing].map((index) =>
      formatPosition(positions[index] ?? BEFORE_ALL),
    );
    await expect(read(topic, given + 1, { lost })).rejects.toMatchObject({
      code: 'PH_PULSAR_ENTRIES_MISSING',
      kind: 'terminal',
      message: `the broker went from ${from} to ${to} and left out the entry at ${at}`,
      where: { topic, position: at },
    });
    // What came before is given out all the same.
    expect((await read(topic, given, { lost })).texts).toEqual(TEXTS.slice(0, given));
  });

  it('an aborted transaction and its marker are shown to nobody, and are no loss', async () => {
    const { topic, positions } = await publishLedgers([['a', ABORT], ['b']]);
    const { texts, asked } = await read(topic, 2, {});
    expect(texts).toEqual(['a', 'b']);
    const { ledger } = positions[0] ?? BEFORE_ALL;
    expect(asked).toEqual(['internalStats', ...[1, 2, 3].map((entry) => `ledger/${ledger}/entry/${entry}`)]);
  });

  it('a ledger that the bookies lost halts, though the broker is told to skip it', async () => {
    const { topic, positions } = await publishLedgers(LEDGERS);
    const [seen, lost, next] = positions.slice(2, 5).map(formatPosition);
    await loseLedger(positions[3]?.ledger ?? -1);
    await expect(read(topic, 4, {})).rejects.toMatchObject({
      code: 'PH_PULSAR_ENTRIES_MISSING',
      message: `the broker went from ${seen} to ${next} and left out the entry at ${lost}, which it cannot read`,
      where: { topic, position: lost },
    });
    // Somebody who gave it up goes on after it.
    expect((await read(topic, 2, {}, positions[3])).texts).toEqual(['e', 'f']);
  });

  it('a role that may not ask reads on', async () => {
    const { topic } = await publishLedgers(LEDGERS);
    const guard: Setting['guard'] = (_path, answer) => {
      answer.writeHead(403).end();
      return true;
    };
    expect((await read(topic, 6, { guard })).texts).toEqual(TEXTS);
  });

  it('an admin API that is away for a moment is waited for', async () => {
    const { topic } = await publishLedgers(LEDGERS);
    let refusals = 0;
    const guard: Setting['guard'] = (_path, answer) => {
      if (++refusals > 3) return false;
      answer.writeHead(503).end();
      return true;
    };
    expect((await read(topic, 6, { guard })).texts).toEqual(TEXTS);
  });
});
