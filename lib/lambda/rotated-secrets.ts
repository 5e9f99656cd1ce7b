import { isPulsehouseError } from '../pipeline/errors.ts';
import type { Log } from '../ports/log.ts';

const REFUSED_SECRET = ['PH_PULSAR_AUTHENTICATION', 'PH_CLICKHOUSE_ACCESS'];

/**
 * After an authentication error `run` is called once more, to fetch its secrets anew: one may have been rotated meanwhile.
 * That is safe because every run goes by the durable state.
 */
export function withRotatedSecrets<T>(log: Log, run: (freshSecrets: boolean) => Promise<T>): Promise<T> {
  return run(false).catch((error: unknown) => {
    if (!isPulsehouseError(error) || !REFUSED_SECRET.includes(error.code)) throw error;
    log.warn(`${error.message}; trying once more with secrets fetched anew`, { code: error.code });
    return run(true);
  });
}
