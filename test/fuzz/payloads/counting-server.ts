import type { ClickHouseSettings } from '@clickhouse/client';
import type { Answer } from '../../../lib/clickhouse/endpoint.ts';
import { type Request, Server } from '../../../lib/clickhouse/server.ts';

/** What costs as much as the statements themselves where these are small and many, and changes no result. */
const CHEAPER: ClickHouseSettings = {
  log_queries: 0,
  query_profiler_real_time_period_ns: '0',
  query_profiler_cpu_time_period_ns: '0',
};

/** Counts requests. ClickHouse neither logs nor profiles them. */
export class CountingServer extends Server {
  requests = 0;

  override answer(request: Request): Promise<Answer> {
    this.requests += 1;
    // What reads no body is read in one thread; a body is read as in production.
    const threads: ClickHouseSettings = request.body === undefined ? { max_threads: 1 } : {};
    return super.answer({ ...request, settings: { ...threads, ...request.settings, ...CHEAPER } });
  }
}
