import type { ErrorCode } from '../../pipeline/error-codes.ts';
import { type ErrorWhere, isPulsehouseError, messageOf, PulsehouseError } from '../../pipeline/errors.ts';

/**
 * The client's errors are sentences that end with the name of its result. What may follow each is the kind of its code:
 * retryable only where the broker certainly did nothing.
 */
export const RESULT_CODES: Readonly<Record<string, ErrorCode>> = {
  Retryable: 'PH_PULSAR_NOT_READY',
  TimeOut: 'PH_PULSAR_TIMEOUT',
  LookupError: 'PH_PULSAR_UNREACHABLE',
  ConnectError: 'PH_PULSAR_UNREACHABLE',
  ReadError: 'PH_PULSAR_CONNECTION_LOST',
  NotConnected: 'PH_PULSAR_CONNECTION_LOST',
  ResultDisconnected: 'PH_PULSAR_CONNECTION_LOST',
  AlreadyClosed: 'PH_PULSAR_CONNECTION_LOST',
  AuthenticationError: 'PH_PULSAR_AUTHENTICATION',
  ErrorGettingAuthenticationData: 'PH_PULSAR_AUTHENTICATION',
  AuthorizationError: 'PH_PULSAR_AUTHORIZATION',
  BrokerMetadataError: 'PH_PULSAR_NOT_READY',
  BrokerPersistenceError: 'PH_PULSAR_NOT_READY',
  ServiceUnitNotReady: 'PH_PULSAR_NOT_READY',
  ConsumerNotFound: 'PH_PULSAR_NOT_READY',
  TooManyLookupRequestException: 'PH_PULSAR_THROTTLED',
  ChecksumError: 'PH_PULSAR_CHECKSUM',
  CryptoError: 'PH_PULSAR_ENCRYPTED',
  ConsumerBusy: 'PH_PULSAR_CONSUMER_BUSY',
  TopicNotFound: 'PH_PULSAR_TOPIC_NOT_FOUND',
  SubscriptionNotFound: 'PH_PULSAR_SUBSCRIPTION_MISSING',
  TopicTerminated: 'PH_PULSAR_TOPIC_TERMINATED',
  UnsupportedVersionError: 'PH_PULSAR_UNSUPPORTED',
  InvalidUrl: 'PH_PULSAR_URL_INVALID',
  InvalidTopicName: 'PH_PULSAR_REFUSED',
  InvalidConfiguration: 'PH_PULSAR_REFUSED',
  IncompatibleSchema: 'PH_PULSAR_REFUSED',
  OperationNotSupported: 'PH_PULSAR_REFUSED',
  ResultNotAllowedError: 'PH_PULSAR_REFUSED',
  ResultConsumerAssignError: 'PH_PULSAR_REFUSED',
};

/** An error of the client as one of ours; one of ours as it is. */
export function clientFailure(error: unknown, where: ErrorWhere): PulsehouseError {
  if (isPulsehouseError(error)) return error.at(where);
  const message = messageOf(error);
  const result = /(\w+)$/.exec(message)?.[1] ?? '';
  return new PulsehouseError(RESULT_CODES[result] ?? 'PH_PULSAR_SERVER_ERROR', `pulsar-client: ${message}`, {
    where,
    cause: error,
  });
}
