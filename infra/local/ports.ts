import { once } from 'node:events';
import { createServer } from 'node:net';
import { PulsehouseError } from '../../lib/pipeline/errors.ts';

const HOST = '127.0.0.1';
/**
 * Below the range that the kernel gives to outgoing connections: a client that keeps dialling a stopped server's port
 * could otherwise be given that very port and connect to itself.
 */
const [LOWEST, HIGHEST] = [20_000, 32_000];
const TRIES = 100;

/** One that was free just now. Drawn by chance, so that stacks starting side by side hardly ever draw the same. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await isFree(port)) return port;
  }
  throw new PulsehouseError(
    'PH_STACK_PORT_TAKEN',
    `No free port between ${LOWEST} and ${HIGHEST} was found.`,
  );
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: HOST, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** @throws PulsehouseError PH_STACK_PORT_TAKEN */
export async function requireFree(port: number, server: string): Promise<void> {
  if (await isFree(port)) return;
  throw new PulsehouseError('PH_STACK_PORT_TAKEN', `Something else listens on port ${port}.`, {
    where: { server },
  });
}
