import type { Position } from '../../lib/pipeline/position.ts';
import type { ObjectStore } from '../../lib/ports/object-store.ts';
import type { Sink } from '../../lib/ports/sink.ts';
import type { StateStore } from '../../lib/ports/state-store.ts';
import type { Transport } from '../../lib/ports/transport.ts';

/** Named points of the protocol, in its order. At each one a function process can be held while a fault strikes. */
export const CONSUME_POINTS = [
  'before-intent',
  'after-intent',
  'insert-sent',
  'insert-stored-unanswered',
  'before-commit',
  'after-commit',
] as const;
export const CHECKPOINT_POINTS = ['snapshot-written', 'before-ack', 'after-ack'] as const;
export const POINTS = [...CONSUME_POINTS, ...CHECKPOINT_POINTS] as const;
export type Point = (typeof POINTS)[number];

export function isOfCycle(point: Point): boolean {
  return (CHECKPOINT_POINTS as readonly Point[]).includes(point);
}

/** Called when a point is reached; the process goes on when it resolves. */
export type Reach = (point: Point) => Promise<void>;

/** Long enough for the head of a body to be on its way, far too short for the whole of it to be stored. */
const BODY_ON_ITS_WAY = 5;

export function statePoints(state: StateStore, reach: Reach): StateStore {
  let seq = 0;
  let committed: Position | undefined;
  return decorate(state, {
    async takePartition(...call) {
      const result = await state.takePartition(...call);
      if (result.taken) ({ seq, committed } = result.state);
      return result;
    },
    async putBatch(...call) {
      await reach('before-commit');
      await state.putBatch(...call);
    },
    async writePartition(next, deadline) {
      const intends = next.seq > seq;
      const commits = committed?.entry !== next.committed.entry || committed.ledger !== next.committed.ledger;
      ({ seq, committed } = next);
      if (intends) await reach('before-intent');
      const result = await state.writePartition(next, deadline);
      if (intends) await reach('after-intent');
      if (commits) await reach('after-commit');
      return result;
    },
  });
}

export function sinkPoints(sink: Sink, reach: Reach): Sink {
  return decorate(sink, {
    async insert(send) {
      const answer = sink.insert(send);
      await new Promise((resolve) => setTimeout(resolve, BODY_ON_ITS_WAY));
      await reach('insert-sent');
      const outcome = await answer;
      await reach('insert-stored-unanswered');
      return outcome;
    },
  });
}

export function objectPoints(objects: ObjectStore, reach: Reach): ObjectStore {
  return decorate(objects, {
    async create(key, body, deadline) {
      const result = await objects.create(key, body, deadline);
      if (key.includes('/snapshots/')) await reach('snapshot-written');
      return result;
    },
  });
}

export function transportPoints(transport: Transport, reach: Reach): Transport {
  return decorate(transport, {
    async acknowledge(...call) {
      await reach('before-ack');
      const found = await transport.acknowledge(...call);
      await reach('after-ack');
      return found;
    },
  });
}

/** The port with some of its methods replaced; the others run on the port itself. */
function decorate<Port extends object>(port: Port, replaced: Partial<Port>): Port {
  return new Proxy(port, {
    get(target, name) {
      const value = Reflect.get(name in replaced ? replaced : target, name) as unknown;
      return typeof value === 'function' && !(name in replaced) ? value.bind(target) : value;
    },
  });
}
