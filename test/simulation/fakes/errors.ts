import type { ErrorCode } from '../../../lib/pipeline/error-codes.ts';
import { PulsehouseError } from '../../../lib/pipeline/errors.ts';

/** What the real adapters throw when they do not know what became of a request. */
export const unanswered =
  (code: ErrorCode) =>
  (message: string): PulsehouseError =>
    new PulsehouseError(code, message);
