import { isPulsehouseError } from '../pipeline/errors.ts';
import type { Environment } from '../ports/environment.ts';
import { retry } from '../ports/retry.ts';
import type { Ports } from './connections.ts';

/** Names of the calls that end by their last argument, a deadline. */
type Bounded<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => Promise<unknown>
    ? Args extends readonly [...(readonly unknown[]), number]
      ? Name
      : never
    : never;
}[keyof Port];

type Repeatable = { readonly [Name in keyof Ports]: readonly Bounded<Ports[Name]>[] };

/**
 * Calls that have the same end however often they are carried out. Not among them: inserts, whose doubt is settled;
 * fenced writes, which `leases/` repeats; an acknowledgement, whose check must see every try; and removals, which take
 * as long as they take.
 */
const REPEATABLE: Repeatable = {
  transport: [
    ...(['partitions', 'openReader', 'lastPosition', 'hasOnlyMarkers'] as const),
    ...(['ensureSubscription', 'topicIdentity'] as const),
  ],
  sink: [
    'countRows',
    'countRowsByEntry',
    'indexesIn',
    'kill',
    'tokenWindow',
    'hasTtl',
    'expiredRows',
    'rowsHidden',
    'dependentViews',
    'serverNow',
  ],
  table: ['countByPartition'],
  state: [
    ...(['createPartition', 'readPartition', 'readPartitions', 'readEachPartition'] as const),
    ...(['putBatch', 'readBatches', 'readBatchesFrom'] as const),
    ...(['putDeadLetterBatch', 'readDeadLetterBatches'] as const),
    ...(['createCycle', 'readCycle', 'putCheckpoint', 'readCheckpoint', 'readCheckpoints'] as const),
  ],
  objects: ['create', 'read', 'list', 'listAfter', 'delete'],
  replays: ['createReplay', 'readReplay', 'readReplays', 'endReplay'],
};

/** A connection that hangs is noticed after the first; a question that takes long is given twice as long each time. */
const FIRST_TRY = 10_000;
const TRIES = 5;

/**
 * The same ports for commands that last minutes: no single call waits as long as the command may. One that can be
 * repeated is given a deadline of its own and tried again, on another connection where the first one hangs.
 */
export function withCallDeadlines<Given extends Partial<Ports>>(
  ports: Given,
  environment: Environment,
): Given {
  const wrapped = Object.entries(ports).map(([name, port]) => {
    const repeatable = REPEATABLE[name as keyof Ports] as readonly string[] | undefined;
    return [name, repeatable ? bounded(port as object, repeatable, environment) : port];
  });
  return Object.fromEntries(wrapped) as Given;
}

function bounded<Port extends object>(port: Port, names: readonly string[], environment: Environment): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const call = (...args: readonly unknown[]): unknown => Reflect.apply(member, target, args);
      if (!names.includes(String(name))) return call;
      return (...args: readonly unknown[]) => repeated(environment, args, call);
    },
  });
}

function repeated(
  environment: Environment,
  args: readonly unknown[],
  call: (...args: readonly unknown[]) => unknown,
): Promise<unknown> {
  const deadline = Number(args.at(-1));
  let time = FIRST_TRY;
  const retryIf = (error: unknown) => isPulsehouseError(error) && error.kind !== 'terminal';
  const terms = { deadline, tries: TRIES, tryTimeout: Math.max(0, deadline - environment.now()), retryIf };
  return retry(environment, terms, async () => {
    const until = Math.min(deadline, environment.now() + time);
    time *= 2;
    return call(...args.slice(0, -1), until);
  });
}
