import { describe, expect, it } from 'vitest';
import { PulsehouseError } from '../../../../lib/pipeline/errors.ts';
import { clientFailure, RESULT_CODES } from '../../../../lib/pulsar/pulsar-client/failures.ts';

describe('errors of pulsar-client', () => {
  it.each(Object.entries(RESULT_CODES))('%s becomes %s', (result, code) => {
    const failure = clientFailure(new Error(`Failed to create consumer: ${result}`), { topic: 't' });
    expect(failure).toMatchObject({ code, where: { topic: 't' } });
    expect(failure.message).toContain(result);
  });

  it('is in doubt about what it does not know', () => {
    expect(clientFailure(new Error('Failed to create reader: UnknownError'), {}).kind).toBe('in-doubt');
    expect(clientFailure('no words of its own', {}).kind).toBe('in-doubt');
  });

  it('retries only where the broker did nothing', () => {
    const retried = Object.keys(RESULT_CODES).filter(
      (result) => clientFailure(new Error(`x: ${result}`), {}).kind === 'retryable',
    );
    expect(retried.toSorted()).toEqual([
      'AlreadyClosed',
      'BrokerMetadataError',
      'BrokerPersistenceError',
      'ConnectError',
      'ConsumerBusy',
      'ConsumerNotFound',
      'LookupError',
      'NotConnected',
      'ReadError',
      'ResultDisconnected',
      'Retryable',
      'ServiceUnitNotReady',
      'TimeOut',
      'TooManyLookupRequestException',
    ]);
  });

  it('leaves our own errors as they are, with the place added', () => {
    const own = new PulsehouseError('PH_PULSAR_ENCRYPTED', 'x', { where: { position: '3:4' } });
    expect(clientFailure(own, { topic: 't' })).toMatchObject({
      code: 'PH_PULSAR_ENCRYPTED',
      where: { topic: 't', position: '3:4' },
    });
  });
});
