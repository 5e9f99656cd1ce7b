import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPulsehouseError } from '../../../../lib/pipeline/errors.ts';
import { decodeId, encodePosition } from '../../../../lib/pulsar/pulsar-client/message-id.ts';

const id = (hex: string) => decodeId(Buffer.from(hex, 'hex'));

describe('ids of pulsar-client', () => {
  // The bytes are what `serialize()` of pulsar-client 1.18.0 gave for messages read from Pulsar 4.0.8.
  it('tells a message of a batch by index and size', () => {
    expect(id('0803100220033005')).toEqual({
      position: { ledger: 3, entry: 2 },
      firstPosition: { ledger: 3, entry: 2 },
      index: 3,
      count: 5,
    });
  });

  it('takes a message that is no batch for one of one', () => {
    expect(id('08031004')).toMatchObject({ position: { ledger: 3, entry: 4 }, index: 0, count: 1 });
  });

  it('tells where the first chunk of a chunked message lies', () => {
    expect(id('080310083a0408031006')).toMatchObject({
      position: { ledger: 3, entry: 8 },
      firstPosition: { ledger: 3, entry: 6 },
    });
  });

  it('reads its own earliest', () => {
    expect(id('08ffffffffffffffffff0110ffffffffffffffffff01').position).toEqual({ ledger: -1, entry: -1 });
  });

  it('makes an id without a batch index, which stands for the whole entry', () => {
    expect(encodePosition({ ledger: 3, entry: 5 }).toString('hex')).toBe('08031005');
    fc.assert(
      fc.property(
        fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
        fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
        (ledger, entry) => {
          const back = decodeId(encodePosition({ ledger, entry }));
          expect(back).toEqual({
            position: { ledger, entry },
            firstPosition: { ledger, entry },
            index: 0,
            count: 1,
          });
        },
      ),
    );
  });

  it('refuses every other byte string or reads numbers from it, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          const { index, count } = decodeId(bytes);
          return index >= 0 && index < count;
        } catch (error) {
          return isPulsehouseError(error) && error.code === 'PH_PULSAR_MALFORMED';
        }
      }),
    );
  });
});
