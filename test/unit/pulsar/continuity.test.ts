import { describe, expect, it } from 'vitest';
import { BEFORE_ALL } from '../../../lib/pipeline/position.ts';
import { Continuity } from '../../../lib/pulsar/wire/consumer/continuity.ts';
import { metadataOf, rawEntry, rawEntryWithIndex } from './message-frames.ts';

const at = (entry: number, ledger = 3) => rawEntry(metadataOf(), Buffer.from('x'), entry, ledger);

describe('continuity', () => {
  it('takes any beginning when nothing was read', () => {
    expect(new Continuity(BEFORE_ALL).step(at(0, 9))).toBe('new');
  });

  it('drops the start, which the broker delivers again', () => {
    const continuity = new Continuity({ ledger: 3, entry: 499 });
    expect([continuity.step(at(499)), continuity.step(at(500))]).toEqual(['known', 'new']);
  });

  it('halts when the broker goes back to an earlier entry: it does not know the position', () => {
    expect(() => new Continuity({ ledger: 9, entry: 0 }).step(at(0))).toThrow(
      expect.objectContaining({
        code: 'PH_PULSAR_POSITION_UNKNOWN',
        message: expect.stringMatching(/after 9:0.*begins with 3:0/),
      }),
    );
  });

  it('lets ids skip: markers and transactions are not delivered', () => {
    const continuity = new Continuity({ ledger: 3, entry: 4 });
    expect([continuity.step(at(4)), continuity.step(at(9)), continuity.step(at(0, 7))]).toEqual([
      'known',
      'new',
      'new',
    ]);
  });

  it('drops what comes twice', () => {
    const continuity = new Continuity(BEFORE_ALL);
    continuity.step(at(0));
    continuity.given({ ledger: 3, entry: 0 });
    expect(continuity.step(at(0))).toBe('known');
  });

  it('begins again after what was given out when the consumer is new', () => {
    const continuity = new Continuity(BEFORE_ALL);
    continuity.step(at(5));
    continuity.given({ ledger: 3, entry: 5 });
    continuity.restart();
    expect([continuity.step(at(5)), continuity.step(at(6))]).toEqual(['known', 'new']);
    continuity.restart();
    expect(() => continuity.step(at(2))).toThrow(expect.objectContaining({ kind: 'terminal' }));
  });

  it("halts when the broker's own count skips between neighbours, or goes back", () => {
    const missing = expect.objectContaining({ code: 'PH_PULSAR_ENTRIES_MISSING' });
    const skipping = new Continuity(BEFORE_ALL);
    skipping.step(rawEntryWithIndex(10, 0));
    expect(skipping.step(rawEntryWithIndex(11, 1))).toBe('new');
    expect(() => skipping.step(rawEntryWithIndex(13, 2))).toThrow(missing);
    const back = new Continuity(BEFORE_ALL);
    back.step(rawEntryWithIndex(10, 0));
    expect(() => back.step(rawEntryWithIndex(10, 5))).toThrow(missing);
  });

  it("lets the broker's count skip where ids skip too", () => {
    const continuity = new Continuity(BEFORE_ALL);
    continuity.step(rawEntryWithIndex(10, 0));
    expect(continuity.step(rawEntryWithIndex(13, 2))).toBe('new');
  });
});
