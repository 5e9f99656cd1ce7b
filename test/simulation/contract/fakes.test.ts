import { objectStoreContract } from '../../contract/object-store/contract.ts';
import { sinkContract } from '../../contract/sink/contract.ts';
import { stateStoreContract } from '../../contract/state-store/contract.ts';
import { transportContract } from '../../contract/transport/port-contract.ts';
import { Broker } from '../fakes/broker.ts';
import { ClickHouse } from '../fakes/clickhouse.ts';
import { Bucket, SimulatedObjectStore } from '../fakes/object-store.ts';
import { SimulatedSink } from '../fakes/sink.ts';
import { SimulatedStateStore } from '../fakes/state-store.ts';
import { StateTable } from '../fakes/state-table.ts';
import { SimulatedTransport } from '../fakes/transport.ts';
import { makeEntry } from '../messages.ts';
import { Calm } from './driven.ts';

// The fakes are held to what the real servers' adapters are held to: otherwise the simulation would prove something else.

stateStoreContract('simulated', async () => {
  const calm = new Calm();
  const store = new SimulatedStateStore(calm.invocation, new StateTable(calm.link()));
  return { store: calm.driven(store), deadline: () => calm.deadline() };
});

objectStoreContract('simulated', async () => {
  const calm = new Calm();
  const objects = new SimulatedObjectStore(calm.invocation, new Bucket(calm.link()));
  return { objects: calm.driven(objects), deadline: () => calm.deadline() };
});

sinkContract('simulated', async (window) => {
  const calm = new Calm();
  const server = new ClickHouse(calm.scheduler, calm.random, calm.link(), { window, skew: 0 }, calm.faults);
  return {
    sink: calm.driven(new SimulatedSink(calm.invocation, server)),
    deadline: () => calm.deadline(),
    uniqueId: () => calm.nextId(),
  };
});

transportContract('simulated', async () => {
  const calm = new Calm();
  const broker = new Broker(calm.link(), calm.random);
  broker.addPartition(7);
  const [partition] = broker.partitions;
  if (partition === undefined) throw new Error('the broker has no partition');
  return {
    transport: calm.driven(new SimulatedTransport(calm.invocation, broker, calm.random)),
    topic: partition.name,
    deadline: () => calm.deadline(),
    publish: async (sizes) =>
      sizes.map((size) => {
        partition.append((position) => ({
          ...makeEntry(position, calm.scheduler.now, calm.random, { bad: 0, days: 1, nullValues: ['skip'] }),
          messages: size,
        }));
        return partition.last;
      }),
    unload: async () => broker.unload(),
  };
});
