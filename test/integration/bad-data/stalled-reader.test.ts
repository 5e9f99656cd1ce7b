import { expect } from 'vitest';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import {
  addressesOf,
  createTopic,
  publish,
  readEntries,
  soon,
  wireOptions,
} from '../../contract/transport/transport-under-test.ts';
import { test } from '../../support/place.ts';
import { FaultProxy } from '../pulsar/fault-proxy.ts';

const TOTAL = 40;

test('a reader that nobody takes from keeps no other one of the same transport from reading', async ({
  place,
}) => {
  const topic = await createTopic(place, 'stalled');
  const payload = Buffer.alloc(1_000_000, 'x');
  await publish(place, topic, (producer) =>
    Promise.all(Array.from({ length: TOTAL }, () => producer.send({ payload }))),
  );
  const proxy = await FaultProxy.open(addressesOf(place).serviceUrl);
  const wire = { ...wireOptions(addressesOf(place)), serviceUrl: proxy.serviceUrl };
  const transport = createWireTransport(wire);
  const options = { after: BEFORE_ALL, maxBufferedBytes: 1_000_000 };
  const stalled = await transport.openReader(topic, options, soon());
  let before = -1;
  await expect
    .poll(
      () => {
        const still = proxy.delivered > 1_000_000 && proxy.delivered === before;
        before = proxy.delivered;
        return still;
      },
      { interval: 300, timeout: 20_000 },
    )
    .toBe(true);
  const first = await Promise.all(
    [1, 2].map(async () => {
      const reader = await transport.openReader(topic, options, soon());
      const entries = await readEntries(reader, TOTAL);
      await reader.close();
      return entries.length;
    }),
  );
  expect(first).toEqual([TOTAL, TOTAL]);
  const { connections } = proxy;
  const again = await transport.openReader(topic, options, soon());
  expect(await readEntries(again, TOTAL)).toHaveLength(TOTAL);
  await again.close();
  // One for each that reads at the time, and no more: what the closed ones had was closed with them.
  expect(proxy.connections).toBe(connections + 1);
  expect(await readEntries(stalled, TOTAL)).toHaveLength(TOTAL);
  await stalled.close();
  await transport.close();
  await proxy.close();
});
