import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * - throttle: the gateway answers as a throttled DynamoDB does, and the server never sees the request.
 * - lose-reply: the server carries the request out, and the connection ends without an answer.
 * - break: 503, as a load balancer answers.
 * - swallow: no answer ever comes and the server never sees the request.
 */
export type Fault = 'throttle' | 'lose-reply' | 'break' | 'swallow';

export interface FaultyGateway {
  readonly endpoint: string;
  /** What happens to the next requests, in order; afterwards all pass. */
  plan(...faults: Fault[]): void;
  /** Requests that came in since the last plan. */
  seen(): number;
  close(): Promise<void>;
}

/** Stands before a real server and does to its requests what networks do. */
export async function openFaultyGateway(target: string): Promise<FaultyGateway> {
  let planned: Fault[] = [];
  let seen = 0;
  const server = createServer((asked, answer) => {
    seen += 1;
    const fault = planned.shift();
    if (fault === 'throttle') throttle(asked, answer);
    else if (fault === 'break') asked.resume().on('end', () => answer.writeHead(503).end());
    else if (fault === 'swallow') asked.resume();
    else forward(target, asked, answer, fault === 'lose-reply');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plan: (...faults) => {
      planned = faults;
      seen = 0;
    },
    seen: () => seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function throttle(asked: IncomingMessage, answer: ServerResponse): void {
  const type = 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException';
  asked.resume().on('end', () => {
    answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    answer.end(JSON.stringify({ __type: type, message: 'slow down' }));
  });
}

function forward(target: string, asked: IncomingMessage, answer: ServerResponse, loseReply: boolean): void {
  const { method, headers } = asked;
  const onward = request(new URL(asked.url ?? '/', target), { method, headers }, (reply) => {
    if (loseReply) {
      reply.resume().on('end', () => answer.destroy());
      return;
    }
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  onward.on('error', () => answer.destroy());
  asked.pipe(onward);
}
