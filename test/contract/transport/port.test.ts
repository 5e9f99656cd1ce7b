import { afterAll, inject } from 'vitest';
import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import { createPlace, type Place } from '../../support/place.ts';
import { transportContract } from './port-contract.ts';
import { addressesOf, createTopic, publishBatches, soon, wireOptions } from './transport-under-test.ts';

// What the simulation's fake is held to, on the real broker.
const places: Place[] = [];

transportContract('wire', async () => {
  const place = await createPlace(inject('stack'));
  places.push(place);
  const topic = await createTopic(place, 'port');
  return {
    transport: createWireTransport(wireOptions(addressesOf(place))),
    topic,
    deadline: soon,
    publish: (sizes) => publishBatches(place, topic, sizes),
    unload: async () => {
      await place.admin('PUT', `persistent/${place.namespace}/port/unload`);
    },
  };
});

afterAll(async () => {
  for (const place of places) {
    await place.query(`DROP DATABASE IF EXISTS ${place.database}`);
    await place.admin('DELETE', `namespaces/${place.namespace}?force=true`);
  }
});
