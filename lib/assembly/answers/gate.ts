import type { Ports } from '../connections.ts';
import type { FirstAnswers, ServerName } from './first-answers.ts';

type Gated = { readonly [Name in keyof Ports]: Readonly<Record<string, ServerName>> };

/**
 * Which server each call goes to. Not among them: what is no request by itself; inserts, which never fail but in outcomes; and
 * what goes on without an answer.
 */
const SERVER_OF: Gated = {
  transport: {
    ...calls('Pulsar', 'partitions', 'openReader', 'lastPosition', 'ensureSubscription'),
    ...calls('Pulsar', 'subscriptionState', 'acknowledge'),
    ...calls('the admin API', 'topicIdentity'),
  } satisfies Calls<'transport'>,
  sink: {
    ...calls('ClickHouse', 'countRows', 'countRowsByEntry', 'indexesIn', 'kill', 'tokenWindow', 'hasTtl'),
    ...calls('ClickHouse', 'expiredRows', 'rowsHidden', 'dependentViews', 'serverNow'),
  } satisfies Calls<'sink'>,
  table: calls('ClickHouse', 'countByPartition', 'deleteRows') satisfies Calls<'table'>,
  state: {
    ...calls('DynamoDB', 'createPartition', 'readPartition', 'readPartitions', 'takePartition'),
    ...calls('DynamoDB', 'writePartition', 'putBatch', 'readBatches', 'putDeadLetterBatch'),
    ...calls('DynamoDB', 'readDeadLetterBatches', 'createCycle', 'readCycle', 'takeCycle', 'writeCycle'),
    ...calls('DynamoDB', 'putCheckpoint', 'readCheckpoint', 'readCheckpoints'),
  } satisfies Calls<'state'>,
  objects: calls('S3', 'create', 'read', 'list', 'listAfter', 'delete') satisfies Calls<'objects'>,
  replays: calls(
    'DynamoDB',
    'createReplay',
    'readReplay',
    'readReplays',
    'endReplay',
  ) satisfies Calls<'replays'>,
};

type Calls<Name extends keyof Ports> = Readonly<Partial<Record<keyof Ports[Name], ServerName>>>;

function calls<Name extends string>(
  server: ServerName,
  ...names: readonly Name[]
): Readonly<Record<Name, ServerName>> {
  return Object.fromEntries(names.map((name) => [name, server])) as Record<Name, ServerName>;
}

/** The same ports, whose calls wait until their server has once answered. */
export function gated<Given extends Partial<Ports>>(ports: Given, answers: FirstAnswers): Given {
  const wrapped = Object.entries(ports).map(([name, port]) => {
    const servers = SERVER_OF[name as keyof Ports] as Readonly<Record<string, ServerName>> | undefined;
    return [name, servers ? gatedPort(port as object, servers, answers) : port];
  });
  return Object.fromEntries(wrapped) as Given;
}

function gatedPort<Port extends object>(
  port: Port,
  servers: Readonly<Record<string, ServerName>>,
  answers: FirstAnswers,
): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      const server = servers[String(name)];
      if (typeof member !== 'function') return member;
      const call = (...args: readonly unknown[]): unknown => Reflect.apply(member, target, args);
      if (server === undefined) return call;
      return async (...args: readonly unknown[]) => {
        await answers.of(server);
        return call(...args);
      };
    },
  });
}
