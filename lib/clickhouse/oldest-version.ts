import { PulsehouseError } from '../pipeline/errors.ts';

/** Of ClickHouse, the oldest that is supported. What of it is needed: docs/deploy.md, "Which ClickHouse". */
export const OLDEST_VERSION = [25, 3] as const;

/** @throws PulsehouseError PH_CLICKHOUSE_TOO_OLD */
export function refuseOld(version: string, url: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new PulsehouseError(
    'PH_CLICKHOUSE_TOO_OLD',
    `ClickHouse ${version} at ${url} is older than ${OLDEST_VERSION.join('.')}`,
    { where: { server: url } },
  );
}
