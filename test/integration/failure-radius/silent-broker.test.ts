import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import { createTopic } from '../../support/events.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';
import { startSilentServer } from '../../support/silent-server.ts';

test('of several brokers of the service URL the first may be silent: the next one is asked in time', async ({
  place,
}) => {
  const topic = place.topic('events');
  await createTopic(place.environment, topic, 3);
  const silent = await startSilentServer();
  const real = new URL((place.environment['PULSAR_SERVICE_URL'] ?? '').replace('pulsar:', 'http:')).host;
  const transport = createWireTransport({
    serviceUrl: `pulsar://127.0.0.1:${silent.port},${real}`,
    environment,
    log: silentLog,
  });
  expect(await transport.partitions(topic, environment.now() + 8_000)).toHaveLength(3);
  expect(silent.accepted()).toBe(1);
  await transport.close();
  await silent.close();
});
