import { createWireTransport } from '../../../lib/pulsar/wire/transport.ts';
import { lifecycleContract } from './lifecycle.ts';
import { partitionsContract } from './partitions.ts';
import { readingContract } from './reading.ts';
import { restartContract } from './restart.ts';
import { subscriptionContract } from './subscription.ts';
import { type TransportUnderTest, wireOptions } from './transport-under-test.ts';

const wire: TransportUnderTest = {
  name: 'wire',
  nullValue: undefined,
  open: async (addresses) => createWireTransport(wireOptions(addresses)),
};

readingContract(wire);
subscriptionContract(wire);
partitionsContract(wire);
lifecycleContract(wire);
restartContract(wire);
