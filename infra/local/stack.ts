import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ensurePackage } from './cache.ts';
import { type ClickHouseOptions, clickhouseWith } from './clickhouse.ts';
import { dynamodbLocal } from './dynamodb-local.ts';
import { ministack } from './ministack.ts';
import { freePort, isFree } from './ports.ts';
import { type Progress, silent } from './progress.ts';
import { type PulsarOptions, pulsar } from './pulsar.ts';
import { Server } from './server.ts';
import type { ServerName, ServerPlan, StackEnvironment } from './server-plan.ts';

export type { Server } from './server.ts';

export const DEFAULT_SERVERS: readonly ServerName[] = ['pulsar', 'clickhouse', 'aws'];

export interface StackOptions {
  /** Holds configuration, data and logs, a folder for each server. */
  readonly directory: string;
  readonly servers?: readonly ServerName[];
  readonly pulsar?: PulsarOptions;
  readonly clickhouse?: ClickHouseOptions;
  readonly progress?: Progress;
  /** Aborted: whatever runs by then is ended, and `startStack` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Ports to take if they are free. */
  readonly preferredPorts?: Readonly<Partial<Record<ServerName, readonly number[]>>>;
  /** Take the ports that everybody knows, and fail where one is taken. */
  readonly wellKnownPorts?: boolean;
  /** Data is worth nothing after `stop`, which then kills the servers and removes `directory`. */
  readonly ephemeral?: boolean;
}

/**
 * Real servers on free loopback ports. They end when this process ends, however that comes about, unless `release`
 * was called.
 */
export interface Stack {
  readonly servers: readonly Server[];
  /** What commands, functions and tests have to be given to find the servers. */
  readonly environment: StackEnvironment;
  /** @throws Error when the stack has no such server. */
  server(name: ServerName): Server;
  /** Ends a server in order and starts it again on the same ports and data. */
  restart(name: ServerName): Promise<void>;
  stop(): Promise<void>;
  release(): Promise<void>;
}

/** Names of what the pipeline keeps its state in. */
const STORES = { PULSEHOUSE_STATE_TABLE: 'pulsehouse-state', PULSEHOUSE_BUCKET: 'pulsehouse' } as const;

/**
 * Fetches what is missing, starts everything at once and resolves when all of it is ready.
 * @throws PulsehouseError PH_STACK_*; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { progress = silent, signal } = options;
  const directory = resolve(options.directory);
  const plans = (options.servers ?? DEFAULT_SERVERS).map((name) => planOf(name, options));
  for (const plan of plans) await plan.requirePrerequisites();

  const started = await Promise.allSettled(plans.map((plan) => startServer(plan, directory, options)));
  const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = async () => {
    await Promise.all(servers.map((server) => server.stop(options.ephemeral ? 'SIGKILL' : 'SIGTERM')));
    if (options.ephemeral) await rm(directory, { recursive: true, force: true });
  };
  progress.end();
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    signal?.throwIfAborted();
    throw failed.reason;
  }

  const server = (name: ServerName) => {
    const found = servers.find((one) => one.name === name);
    if (!found) throw new Error(`this stack has no ${name}`);
    return found;
  };
  return {
    servers,
    environment: Object.assign({ ...STORES }, ...servers.map((one) => one.environment)) as StackEnvironment,
    server,
    restart: async (name) => {
      await server(name).stop();
      await server(name).start();
    },
    stop,
    release: async () => void (await Promise.all(servers.map((one) => one.release()))),
  };
}

function planOf(name: ServerName, options: StackOptions): ServerPlan {
  switch (name) {
    case 'pulsar':
      return pulsar(options.pulsar);
    case 'clickhouse':
      return clickhouseWith(options.clickhouse ?? {});
    case 'aws':
      return ministack;
    case 'dynamodb-local':
      return dynamodbLocal;
  }
}

async function startServer(plan: ServerPlan, directory: string, options: StackOptions): Promise<Server> {
  const { progress = silent, signal } = options;
  const installed = await ensurePackage(plan.package, progress, signal);
  const server = new Server(plan, installed, join(directory, plan.name), await portsFor(plan, options));
  progress.starting(`${plan.name} ${plan.package.version}`);
  const begun = Date.now();
  await server.start(signal);
  progress.ready(`${plan.name} ${plan.package.version}`, Date.now() - begun);
  return server;
}

async function portsFor(plan: ServerPlan, options: StackOptions): Promise<readonly number[]> {
  if (options.wellKnownPorts) return plan.ports.map((port) => port.wellKnown);
  const preferred = options.preferredPorts?.[plan.name] ?? [];
  const usable = await Promise.all(preferred.map(isFree));
  if (preferred.length === plan.ports.length && usable.every(Boolean)) return preferred;
  return Promise.all(plan.ports.map(freePort));
}
