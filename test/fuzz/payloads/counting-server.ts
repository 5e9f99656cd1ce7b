import { type Answer, type Request, Server } from '../../../lib/clickhouse/server.ts';

/** Counts requests. ClickHouse does not log them: of millions that would be a good part of its work. */
export class CountingServer extends Server {
  requests = 0;

  override answer(request: Request): Promise<Answer> {
    this.requests += 1;
    return super.answer({ ...request, settings: { ...request.settings, log_queries: 0 } });
  }
}
