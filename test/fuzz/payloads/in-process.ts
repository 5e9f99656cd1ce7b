import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '../../../lib/ports/object-store.ts';
import type { StateStore } from '../../../lib/ports/state-store.ts';
import type { Transport } from '../../../lib/ports/transport.ts';
import { Broker } from '../../simulation/fakes/broker.ts';
import { Bucket, SimulatedObjectStore } from '../../simulation/fakes/object-store.ts';
import { SimulatedStateStore } from '../../simulation/fakes/state-store.ts';
import { StateTable } from '../../simulation/fakes/state-table.ts';
import { SimulatedTransport } from '../../simulation/fakes/transport.ts';
import { CALM_INVOCATIONS } from '../../simulation/faults.ts';
import { Invocation } from '../../simulation/invocation.ts';
import { Link, NO_FAULTS } from '../../simulation/link.ts';
import { Random } from '../../simulation/random.ts';
import { type Happening, Scheduler } from '../../simulation/scheduler.ts';
import { entryOf } from '../../support/entry-of.ts';
import type { Body } from './bodies.ts';

/** Servers are asked in the same process, and time is the real one. */
class RealTime extends Invocation {
  override now(): number {
    return Date.now();
  }

  override deliver(milliseconds: number, label: string, receive: () => void): Happening {
    const happening = { at: Date.now() + milliseconds, order: 0, label, happen: receive, cancelled: false };
    const happen = (): void => {
      if (!happening.cancelled) receive();
    };
    if (milliseconds > 0) setTimeout(happen, milliseconds);
    else setImmediate(happen);
    return happening;
  }

  override async call<T>(_link: Link, _operation: string, _deadline: number, serve: () => T): Promise<T> {
    return serve();
  }
}

class NoWay extends Link {
  override travel(): number {
    return 0;
  }
}

export interface InProcess {
  readonly transport: Transport;
  readonly state: StateStore;
  readonly objects: ObjectStore;
}

/** The simulation's Pulsar, state table and bucket without faults and on the real clock, with these bodies as the topic. */
export function inProcess(bodies: readonly Body[]): InProcess {
  const random = new Random(1);
  const scheduler = new Scheduler(random);
  const link = new NoWay(scheduler, random, NO_FAULTS, (message) => new Error(message));
  const surroundings = {
    ...{ scheduler, random, invocationFaults: CALM_INVOCATIONS, nextId: randomUUID },
    seenDead: new Set<string>(),
  };
  const invocation = new RealTime('fuzz', surroundings, 0);
  const broker = new Broker(link, random);
  publish(broker, bodies);
  const transport = new SimulatedTransport(invocation, broker, random);
  return {
    transport,
    state: new SimulatedStateStore(invocation, new StateTable(link)),
    objects: new SimulatedObjectStore(invocation, new Bucket(link)),
  };
}

/** Ledgers are numbered as bodies are, from 1. */
export function ledgerOf({ number }: Body): number {
  return number + 1;
}

function publish(broker: Broker, bodies: readonly Body[]): void {
  const [first] = bodies;
  if (first === undefined) throw new Error('a topic has entries');
  broker.addPartition(ledgerOf(first));
  const [partition] = broker.partitions;
  for (const body of bodies) {
    partition?.rollLedger(ledgerOf(body) - partition.currentLedger);
    for (const payloads of body.entries)
      partition?.append((position) => ({ ...entryOf(position, payloads, Date.now()), kinds: [] }));
  }
}
