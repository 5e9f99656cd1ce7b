import { isPulsehouseError } from '../../pipeline/errors.ts';

/** The broker is there and will answer otherwise soon: topics being loaded, moved or balanced. */
export function isPassing(error: unknown): boolean {
  return (
    isPulsehouseError(error) &&
    (error.code === 'PH_PULSAR_NOT_READY' ||
      error.code === 'PH_PULSAR_THROTTLED' ||
      error.code === 'PH_PULSAR_CONNECTION_LOST')
  );
}
