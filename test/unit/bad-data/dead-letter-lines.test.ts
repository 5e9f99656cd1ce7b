import { expect, it } from 'vitest';
import { formatDeadLetters, parseDeadLetters } from '../../../lib/consume/dead-letter-lines.ts';

const MESSAGE = {
  position: { ledger: 7, entry: 12 },
  index: 3,
  publishTime: 1_790_000_000_000,
  reason: 'payload is no JSON',
  payload: Buffer.from([0, 0xff, 0x7b]),
};

it('a dead letter that an older version wrote is read', () => {
  const line =
    '{"position":"7:12","index":3,"publishTime":1790000000000,"reason":"payload is no JSON","payload":"AP97"}\n';
  expect(parseDeadLetters(Buffer.from(line))).toEqual(parseDeadLetters(formatDeadLetters([MESSAGE])));
});

it('a dead letter keeps what its message carried besides the payload', () => {
  const metadata = {
    key: 'k "1"\n',
    properties: { a: 'ä', b: '' },
    eventTime: 1_790_000_000_123,
    sequenceId: 0,
    producer: 'p-1',
  };
  expect(parseDeadLetters(formatDeadLetters([{ ...MESSAGE, metadata }, MESSAGE]))).toEqual([
    {
      position: '7:12',
      index: 3,
      publishTime: MESSAGE.publishTime,
      reason: MESSAGE.reason,
      payload: 'AP97',
      ...metadata,
    },
    { position: '7:12', index: 3, publishTime: MESSAGE.publishTime, reason: MESSAGE.reason, payload: 'AP97' },
  ]);
});

it('what the message did not carry is not there, rather than empty', () => {
  const metadata = { key: undefined, properties: {}, eventTime: 0, sequenceId: 4, producer: undefined };
  const [letter] = parseDeadLetters(formatDeadLetters([{ ...MESSAGE, metadata }]));
  expect(Object.keys(letter ?? {}).sort()).toEqual([
    'index',
    'payload',
    'position',
    'publishTime',
    'reason',
    'sequenceId',
  ]);
});
