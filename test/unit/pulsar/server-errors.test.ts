import { expect, it } from 'vitest';
import { ERROR_CODES } from '../../../lib/pipeline/error-codes.ts';
import { SERVER_CODES, serverCodeOf, serverError } from '../../../lib/pulsar/wire/errors.ts';

it.each([
  [0, 'UnknownError', 'in-doubt'],
  [1, 'MetadataError', 'retryable'],
  [2, 'PersistenceError', 'retryable'],
  [3, 'AuthenticationError', 'terminal'],
  [4, 'AuthorizationError', 'terminal'],
  [5, 'ConsumerBusy', 'retryable'],
  [6, 'ServiceNotReady', 'retryable'],
  [7, 'ProducerBlockedQuotaExceededError', 'terminal'],
  [8, 'ProducerBlockedQuotaExceededException', 'terminal'],
  [9, 'ChecksumError', 'terminal'],
  [10, 'UnsupportedVersionError', 'terminal'],
  [11, 'TopicNotFound', 'terminal'],
  [12, 'SubscriptionNotFound', 'terminal'],
  [13, 'ConsumerNotFound', 'retryable'],
  [14, 'TooManyRequests', 'retryable'],
  [15, 'TopicTerminatedError', 'terminal'],
  [16, 'ProducerBusy', 'terminal'],
  [17, 'InvalidTopicName', 'terminal'],
  [18, 'IncompatibleSchema', 'terminal'],
  [19, 'ConsumerAssignError', 'terminal'],
  [20, 'TransactionCoordinatorNotFound', 'terminal'],
  [21, 'InvalidTxnStatus', 'terminal'],
  [22, 'NotAllowedError', 'terminal'],
  [23, 'TransactionConflict', 'terminal'],
  [24, 'TransactionNotFound', 'terminal'],
  [25, 'ProducerFenced', 'terminal'],
] as const)('server code %i, %s, is %s', (serverCode, name, kind) => {
  const error = serverError(serverCode, 'said why', { topic: 't' });
  expect(error.kind).toBe(kind);
  expect(error.message).toBe(`the broker answered ${name}: said why`);
  expect(error.where.topic).toBe('t');
  expect(serverCodeOf(error)).toBe(serverCode);
});

it('has a row for every code in the table, and takes an unknown one for doubt', () => {
  expect(Object.keys(SERVER_CODES)).toHaveLength(26);
  expect(serverError(99, '', {})).toMatchObject({
    kind: 'in-doubt',
    message: 'the broker answered error 99',
  });
  for (const { code } of Object.values(SERVER_CODES)) expect(ERROR_CODES[code].nextStep).not.toBe('');
});
