import { describe, expect, test } from 'vitest';
import { namedByMessage } from '../../../lib/consume/message-of-row.ts';
import { PulsehouseError } from '../../../lib/pipeline/errors.ts';
import type { BatchBody } from '../../../lib/ports/sink.ts';

/** Two entries of ten messages, of which the one with index 3 became no row. */
const body = {
  rows: 18,
  messageAt: (row: number) => {
    const entry = row < 9 ? 0 : 1;
    const place = row - 9 * entry;
    return { position: { ledger: 7, entry }, index: place < 3 ? place : place + 1, publishTime: 0 };
  },
} as BatchBody;

const named = (message: string) => {
  const error = new PulsehouseError('PH_INSERT_FAILED', message, { where: { table: 'd.t' } });
  const outcome = namedByMessage({ kind: 'answered', meaning: undefined, serverCode: 1001, error }, body);
  return outcome.kind === 'stored' ? undefined : outcome.error;
};

describe('an error of a server that counts rows', () => {
  test('names the message by position and index, as it is found again in Pulsar', () => {
    const error = named('Code: 130. Array does not start with [: (at row 14)');
    expect(error?.message).toBe('Code: 130. Array does not start with [: (message 5 of 7:1)');
    expect(error).toMatchObject({ code: 'PH_INSERT_FAILED', where: { table: 'd.t', position: '7:1' } });
    expect(named('Constraint sane is violated at row 1. Expression: (v < 9)')?.message).toBe(
      'Constraint sane is violated (message 0 of 7:0). Expression: (v < 9)',
    );
  });

  test('is not led astray by what it quotes of a payload', () => {
    expect(named('Cannot parse "(at row 1)" as Int64: (at row 18)')?.message).toBe(
      'Cannot parse "(at row 1)" as Int64: (message 9 of 7:1)',
    );
  });

  test('is left as it is where it names no row, or none of the body', () => {
    for (const message of ['Memory limit exceeded', 'odd (at row 0)', 'odd (at row 19)'])
      expect(named(message)?.message).toBe(message);
    expect(namedByMessage({ kind: 'stored' }, body)).toEqual({ kind: 'stored' });
  });
});
