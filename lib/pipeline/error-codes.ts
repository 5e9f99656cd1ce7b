import { CLICKHOUSE_CODES } from './codes/clickhouse.ts';
import { HALT_CODES } from './codes/halt.ts';
import { OPERATION_CODES } from './codes/operation.ts';
import { PULSAR_CODES } from './codes/pulsar.ts';
import { STATE_CODES } from './codes/state.ts';
import { SURROUNDINGS_CODES } from './codes/surroundings.ts';

/**
 * Every error code there is. Codes are stable: a released one is never renamed or reused.
 * `retryable` is a whitelist: whatever is not surely without effect is terminal or in-doubt.
 */
export const ERROR_CODES = {
  ...SURROUNDINGS_CODES,
  ...PULSAR_CODES,
  ...CLICKHOUSE_CODES,
  ...STATE_CODES,
  ...HALT_CODES,
  ...OPERATION_CODES,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
