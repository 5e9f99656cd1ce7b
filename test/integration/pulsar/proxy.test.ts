import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { cacheFolder } from '../../../infra/local/cache.ts';
import { freePort } from '../../../infra/local/ports.ts';
import { pulsar } from '../../../infra/local/pulsar.ts';
import { runWatched, type Watched } from '../../../infra/local/watched.ts';
import { systemEnvironment } from '../../../lib/assembly/environment.ts';
import { isRetryable } from '../../../lib/pipeline/errors.ts';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { retry } from '../../../lib/ports/retry.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import {
  addressesOf,
  createTopic,
  publishBatches,
  quiet,
  readEntries,
  soon,
} from '../../contract/transport/transport-under-test.ts';
import { type Place, test } from '../../support/place.ts';

let folder: string;
let proxy: Watched | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulsehouse-proxy-'));
});

afterAll(async () => {
  proxy?.end();
  await proxy?.ended;
  await rm(folder, { recursive: true, force: true });
});

/** Pulsar's own proxy in front of the test stack's broker. */
async function startProxy(place: Place): Promise<string> {
  const { name, version } = pulsar().package;
  const installed = join(cacheFolder(), `${name}-${version}`);
  const { serviceUrl, adminUrl } = addressesOf(place);
  const [port, web] = [await freePort(), await freePort()];
  const configuration = join(folder, 'proxy.conf');
  const own = [
    'clusterName=standalone',
    `brokerServiceURL=${serviceUrl}`,
    `brokerWebServiceURL=${adminUrl}`,
    `servicePort=${port}`,
    `webServicePort=${web}`,
    'bindAddress=127.0.0.1',
    'brokerProxyAllowedHostNames=*',
    'brokerProxyAllowedIPAddresses=*',
    'brokerProxyAllowedTargetPorts=*',
  ];
  const standard = await readFile(join(installed, 'conf', 'proxy.conf'), 'utf8');
  await writeFile(configuration, `${standard}\n${own.join('\n')}\n`);
  proxy = await runWatched({
    command: 'java',
    arguments: [
      ...['-cp', `${join(installed, 'conf')}:${join(installed, 'lib')}/*`],
      ...['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dlog4j.configurationFile=log4j2.yaml'],
      ...['-Dpulsar.log.appender=Console', `-Dpulsar.log.dir=${folder}`],
      ...['org.apache.pulsar.proxy.server.ProxyServiceStarter', '--config', configuration],
    ],
    folder,
    log: join(folder, 'proxy.log'),
    grace: 5,
  });
  return `pulsar://127.0.0.1:${port}`;
}

test("reads and acknowledges through Pulsar's proxy", async ({ place }) => {
  const topic = await createTopic(place, 'proxied');
  const positions = await publishBatches(place, topic, [3, 1, 4], { compression: 'lz4' });
  const serviceUrl = await startProxy(place);
  const transport = createWireTransport({ serviceUrl, environment: systemEnvironment, log: quiet });
  const topics = await retry(systemEnvironment, { deadline: soon(), retryIf: isRetryable }, () =>
    transport.partitions(topic, soon()),
  );
  expect(topics).toEqual([topic]);
  const reader = await transport.openReader(topic, { after: BEFORE_ALL, maxBufferedBytes: 1_000 }, soon());
  expect((await readEntries(reader, 3)).map(({ position }) => position)).toEqual(positions);
  await reader.close();
  const [, second, last] = positions;
  await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
  await transport.acknowledge(topic, 's', second ?? BEFORE_ALL, soon(), () => {});
  const state = await transport.ensureSubscription(topic, 's', { at: 'earliest' }, soon());
  expect(state).toEqual({ markDelete: second, last });
  await transport.close();
});
