import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jsonFailure } from '../support/answering-server.ts';

const DENIED = jsonFailure(
  'AccessDeniedException',
  'User: arn:aws:sts::000000000000:assumed-role/chaos is not authorized to perform: dynamodb:UpdateItem',
);

/** Stands between one function and DynamoDB, and denies it everything for a while as AWS denies a missing right. */
export class RightsGate {
  readonly endpoint: string;
  private readonly server: Server;
  private isDenying = false;
  private count = 0;

  private constructor(server: Server) {
    this.server = server;
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(target: string): Promise<RightsGate> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const gate = new RightsGate(server);
    server.on('request', (asked, answer) => {
      if (gate.isDenying) {
        gate.count += 1;
        asked.resume().on('end', () => answer.writeHead(DENIED.status, DENIED.headers).end(DENIED.body));
        return;
      }
      const { method, headers } = asked;
      const onward = request(new URL(asked.url ?? '/', target), { method, headers }, (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      });
      onward.on('error', () => answer.destroy());
      asked.pipe(onward);
    });
    return gate;
  }

  /** Requests denied since it began to deny. */
  get denied(): number {
    return this.count;
  }

  deny(): void {
    this.count = 0;
    this.isDenying = true;
  }

  grant(): void {
    this.isDenying = false;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
