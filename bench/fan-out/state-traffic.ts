import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What went to the state table and came back, of one operation or of all. */
export interface Traffic {
  readonly requests: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Stands between a function and DynamoDB, and counts. */
export interface StateTraffic {
  readonly url: string;
  /** By operation since the last time it was asked. */
  take(): Readonly<Record<string, Traffic>>;
  close(): void;
}

export async function countStateTraffic(endpoint: string): Promise<StateTraffic> {
  let counted: Record<string, Traffic> = {};
  const server = createServer(async (asked, answer) => {
    const body = await text(asked);
    const operation = String(asked.headers['x-amz-target']).split('.').at(-1) ?? '';
    const forwarded = request(endpoint, { method: asked.method, headers: asked.headers }, (response) => {
      let received = 0;
      response.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      response.on('end', () => {
        const before = counted[operation] ?? { requests: 0, bytesSent: 0, bytesReceived: 0 };
        counted[operation] = {
          requests: before.requests + 1,
          bytesSent: before.bytesSent + Buffer.byteLength(body),
          bytesReceived: before.bytesReceived + received,
        };
      });
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    forwarded.on('error', (error) => answer.destroy(error));
    forwarded.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = counted;
      counted = {};
      return taken;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
