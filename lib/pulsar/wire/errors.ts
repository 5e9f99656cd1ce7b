import type { ErrorCode } from '../../pipeline/error-codes.ts';
import { type ErrorWhere, PulsehouseError } from '../../pipeline/errors.ts';

interface ServerCode {
  /** The name in Pulsar's `ServerError`. */
  readonly name: string;
  readonly code: ErrorCode;
}

/**
 * Pulsar's `ServerError` by number. What may follow each one is the kind of its code: a code is retryable only where
 * the broker certainly did nothing and may do it later.
 */
export const SERVER_CODES: Readonly<Record<number, ServerCode>> = {
  0: { name: 'UnknownError', code: 'PH_PULSAR_SERVER_ERROR' },
  1: { name: 'MetadataError', code: 'PH_PULSAR_NOT_READY' },
  2: { name: 'PersistenceError', code: 'PH_PULSAR_NOT_READY' },
  3: { name: 'AuthenticationError', code: 'PH_PULSAR_AUTHENTICATION' },
  4: { name: 'AuthorizationError', code: 'PH_PULSAR_AUTHORIZATION' },
  5: { name: 'ConsumerBusy', code: 'PH_PULSAR_CONSUMER_BUSY' },
  6: { name: 'ServiceNotReady', code: 'PH_PULSAR_NOT_READY' },
  7: { name: 'ProducerBlockedQuotaExceededError', code: 'PH_PULSAR_REFUSED' },
  8: { name: 'ProducerBlockedQuotaExceededException', code: 'PH_PULSAR_REFUSED' },
  9: { name: 'ChecksumError', code: 'PH_PULSAR_CHECKSUM' },
  10: { name: 'UnsupportedVersionError', code: 'PH_PULSAR_UNSUPPORTED' },
  11: { name: 'TopicNotFound', code: 'PH_PULSAR_TOPIC_NOT_FOUND' },
  12: { name: 'SubscriptionNotFound', code: 'PH_PULSAR_SUBSCRIPTION_MISSING' },
  13: { name: 'ConsumerNotFound', code: 'PH_PULSAR_NOT_READY' },
  14: { name: 'TooManyRequests', code: 'PH_PULSAR_THROTTLED' },
  15: { name: 'TopicTerminatedError', code: 'PH_PULSAR_TOPIC_TERMINATED' },
  16: { name: 'ProducerBusy', code: 'PH_PULSAR_REFUSED' },
  17: { name: 'InvalidTopicName', code: 'PH_PULSAR_REFUSED' },
  18: { name: 'IncompatibleSchema', code: 'PH_PULSAR_REFUSED' },
  19: { name: 'ConsumerAssignError', code: 'PH_PULSAR_REFUSED' },
  20: { name: 'TransactionCoordinatorNotFound', code: 'PH_PULSAR_REFUSED' },
  21: { name: 'InvalidTxnStatus', code: 'PH_PULSAR_REFUSED' },
  22: { name: 'NotAllowedError', code: 'PH_PULSAR_REFUSED' },
  23: { name: 'TransactionConflict', code: 'PH_PULSAR_REFUSED' },
  24: { name: 'TransactionNotFound', code: 'PH_PULSAR_REFUSED' },
  25: { name: 'ProducerFenced', code: 'PH_PULSAR_REFUSED' },
};

export const TOPIC_NOT_FOUND = 11;
export const NOT_ALLOWED = 22;

/** What brokers say where a namespace's subscription auth mode is Prefix. */
const PREFIX_WANTED = /prefixed by the authentication role/i;
const BEGIN_WITH_ROLE =
  'Begin `subscription` in pipeline.yml with the role: names of readers follow it. The broker gives an example.';

/** `cause.serverCode` of an error that the broker itself raised. */
export interface ServerCause {
  readonly serverCode: number;
}

export function serverError(serverCode: number, message: string, where: ErrorWhere): PulsehouseError {
  const known = SERVER_CODES[serverCode];
  const cause: ServerCause = { serverCode };
  return new PulsehouseError(
    known?.code ?? 'PH_PULSAR_SERVER_ERROR',
    `the broker answered ${known?.name ?? `error ${serverCode}`}${message === '' ? '' : `: ${message}`}`,
    { where, cause, ...(PREFIX_WANTED.test(message) && { nextStep: BEGIN_WITH_ROLE }) },
  );
}

/** The broker's own error number behind an error, if it is one of `serverError`'s. */
export function serverCodeOf(error: unknown): number | undefined {
  if (!(error instanceof PulsehouseError)) return undefined;
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && 'serverCode' in cause
    ? Number(cause.serverCode)
    : undefined;
}
