import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WireAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AnsweringServer {
  readonly endpoint: string;
  /** Requests that came in since it was started. */
  seen(): number;
  close(): Promise<void>;
}

/** What DynamoDB, Lambda, Parameter Store and Secrets Manager answer on the wire when they fail. */
export function jsonFailure(name: string, message: string, status = 400): WireAnswer {
  return {
    status,
    body: JSON.stringify({ __type: `com.amazonaws#${name}`, message }),
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': name },
  };
}

/** What S3 answers on the wire when it fails. */
export function xmlFailure(code: string, message: string, status: number): WireAnswer {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body, headers: { 'content-type': 'application/xml' } };
}

/** A server on loopback that gives every request the same answer. */
export async function answerAlways(answer: WireAnswer): Promise<AnsweringServer> {
  let seen = 0;
  const server = createServer((asked, reply) => {
    seen += 1;
    asked.resume().on('end', () => reply.writeHead(answer.status, answer.headers).end(answer.body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
