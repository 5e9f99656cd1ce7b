import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface SilentServer {
  readonly port: number;
  /** Connections accepted since it was started. */
  accepted(): number;
  close(): Promise<void>;
}

/** A server on loopback that accepts every connection and never says a word. */
export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Whoever gives up may cut the connection off.
    socket.on('error', () => undefined).resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => sockets.size,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The variables that name servers, all of them this one. */
export function variablesOf({ port }: SilentServer): Readonly<Record<string, string>> {
  return {
    PULSAR_SERVICE_URL: `pulsar://127.0.0.1:${port}`,
    PULSAR_ADMIN_URL: `http://127.0.0.1:${port}`,
    CLICKHOUSE_URL: `http://127.0.0.1:${port}`,
    PULSEHOUSE_STATE_TABLE: 'pulsehouse',
    PULSEHOUSE_BUCKET: 'my-pulsehouse',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  };
}
