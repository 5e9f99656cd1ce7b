import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { identify, isRunning, signalProcess } from './process-identity.ts';
import { SERVER_NAMES } from './server-plan.ts';
import type { Stack } from './stack.ts';

const FILE = 'stack.json';
const LOOK_AGAIN_MS = 50;
/** Longer than any watchdog takes from SIGTERM to its end. */
const GONE_WITHIN_MS = 30_000;

const processSchema = z.object({ pid: z.number(), startedAt: z.string() });
const recordSchema = z.object({
  environment: z.record(z.string(), z.string()),
  servers: z.array(
    z.object({
      name: z.enum(SERVER_NAMES),
      version: z.string(),
      ports: z.array(z.number()),
      log: z.string(),
      server: processSchema,
      watchdog: processSchema,
    }),
  ),
});

/** What was started in a directory. It stays after `down`, so that the next `up` takes the same ports. */
export type StackRecord = z.infer<typeof recordSchema>;
export type ServerRecord = StackRecord['servers'][number];

export async function writeRecord(
  directory: string,
  stack: Stack,
  environment: Record<string, string>,
): Promise<void> {
  const servers = stack.servers.flatMap(({ name, version, ports, log, processes }) => {
    const server = processes && identify(processes.server);
    const watchdog = processes && identify(processes.watchdog);
    return server && watchdog ? [{ name, version, ports: [...ports], log, server, watchdog }] : [];
  });
  await mkdir(directory, { recursive: true });
  const path = join(directory, FILE);
  await writeFile(`${path}.new`, JSON.stringify({ environment, servers } satisfies StackRecord, null, 2));
  await rename(`${path}.new`, path);
}

/** `undefined` when no stack was ever started there, or by a version that wrote another record. */
export async function readRecord(directory: string): Promise<StackRecord | undefined> {
  const text = await readFile(join(directory, FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = recordSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

export function isUp({ server }: Pick<ServerRecord, 'server'>): boolean {
  return isRunning(server);
}

/** Ends every server that still runs, and answers their names. */
export async function endRecorded(record: StackRecord): Promise<string[]> {
  const running = record.servers.filter((one) => isRunning(one.server) || isRunning(one.watchdog));
  await Promise.all(running.map(endServer));
  return running.map((one) => one.name);
}

async function endServer({ server, watchdog }: ServerRecord): Promise<void> {
  // The watchdog ends its server in order. Where it was killed itself (not on Linux), the server is ours to end.
  if (!signalProcess(watchdog, 'SIGTERM')) signalProcess(server, 'SIGTERM');
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (isRunning(server) || isRunning(watchdog)) {
    if (Date.now() > deadline) {
      signalProcess(server, 'SIGKILL');
      signalProcess(watchdog, 'SIGKILL');
    }
    await sleep(LOOK_AGAIN_MS);
  }
}
