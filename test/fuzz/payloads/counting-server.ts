import { type Answer, type Request, Server } from '../../../lib/clickhouse/server.ts';

export class CountingServer extends Server {
  requests = 0;

  override answer(request: Request): Promise<Answer> {
    this.requests += 1;
    return super.answer(request);
  }
}
