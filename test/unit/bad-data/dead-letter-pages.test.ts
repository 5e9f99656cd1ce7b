import { describe, expect, it } from 'vitest';
import type { FoundLetter } from '../../../lib/replay/dead-letters/find.ts';
import { readPage } from '../../../lib/replay/dead-letters/page.ts';
import { formatPlace, parsePlace, parseWholePlace } from '../../../lib/replay/dead-letters/place.ts';
import { countReasons } from '../../../lib/replay/dead-letters/reasons.ts';

async function* letters(
  count: number,
  reason = (_: number) => 'bad',
): AsyncGenerator<FoundLetter, void, void> {
  for (let index = 0; index < count; index += 1) {
    const letter = { position: '7:1', index, publishTime: 1, reason: reason(index), payload: 'AAAA' };
    yield { partition: 3, position: { ledger: 7, entry: 1 }, index, letter };
  }
}

describe('a page of dead letters', () => {
  it('ends with what the next one begins behind', async () => {
    const page = await readPage(letters(1_000_000), 3);
    expect(page.letters.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(page.next).toBe('3/7:1#2');
  });

  it('is the last one where exactly as many are left', async () => {
    expect(await readPage(letters(3), 3)).toMatchObject({ next: undefined });
    expect(await readPage(letters(0), 3)).toEqual({ letters: [], next: undefined });
  });

  it('is bounded by payloads too, and never empty', async () => {
    expect((await readPage(letters(9), 9, 8)).letters).toHaveLength(2);
    expect((await readPage(letters(9), 9, 1)).letters).toHaveLength(1);
  });
});

describe('reasons of dead letters', () => {
  it('that differ only by value and number are one kind', async () => {
    const reason = (index: number) =>
      index % 3 === 0 ? 'payload is no JSON' : `Cannot parse 'x${index}' at ${index}`;
    expect(await countReasons(letters(9, reason))).toEqual({
      deadLetters: 9,
      reasons: [
        { reason: "Cannot parse '…' at …", count: 6, first: '3/7:1#1' },
        { reason: 'payload is no JSON', count: 3, first: '3/7:1#0' },
      ],
    });
  });

  it('are counted together where there are more kinds than anybody reads', async () => {
    const word = (index: number) => [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    const { deadLetters, reasons } = await countReasons(letters(10_000, word));
    expect(deadLetters).toBe(10_000);
    expect(reasons).toHaveLength(201);
    expect(reasons[0]).toMatchObject({ reason: 'other reasons', count: 9_800 });
  });
});

describe('the place of a dead letter', () => {
  it.each(['3/7:1#0', '0/123456789012:99#200000'])('%s is read as it is written', (text) => {
    expect(formatPlace(parseWholePlace(text))).toBe(text);
  });

  it('may be given without partition or index', () => {
    expect(parsePlace('7:1')).toEqual({ position: { ledger: 7, entry: 1 } });
    expect(parsePlace('7:1#2')).toEqual({ position: { ledger: 7, entry: 1 }, index: 2 });
  });

  it.each(['', '7', '7:1#', '-1:-1', '7:1#x', '3/7'])('"%s" is refused', (text) => {
    expect(() => parsePlace(text)).toThrow(expect.objectContaining({ code: 'PH_POSITION_INVALID' }));
  });
});
