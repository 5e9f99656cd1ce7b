import { describe, expect, it } from 'vitest';
import { contradictions, type Testimony } from '../../contention/witness.ts';
import { partitionState } from '../../contract/state-store/states.ts';

const at = (version: number) => [partitionState('p', { version })];
const seen = (version: number, changes: Partial<Testimony> = {}): Testimony => ({
  partition: 0,
  epoch: 1,
  version,
  owner: 'a',
  writeId: `w${version}`,
  ...changes,
});

/** A judge that never condemns would pass every fight. */
describe('contradictions', () => {
  it('are none in a history of one writer after the other', () => {
    const history = [seen(1), seen(2), seen(3, { epoch: 2, owner: 'b' }), seen(3, { epoch: 2, owner: 'b' })];
    expect(contradictions(history, at(3), at(0))).toEqual([]);
  });

  it('are none where a write in doubt explains the version that nobody knows', () => {
    const doubt = { partition: 0, doubted: 'w2' };
    expect(contradictions([seen(1), doubt, seen(3)], at(3), at(0))).toEqual([]);
    const settled = [seen(1), doubt, seen(2), seen(4)];
    expect(contradictions(settled, at(4), at(0))).toEqual([
      'partition 0: nobody knows of version 3, and 0 writes are in doubt',
    ]);
  });

  it.each<[string, Testimony[]]>([
    ['epoch 1 had two owners', [seen(1), seen(2, { owner: 'b' }), seen(3, { owner: 'b' })]],
    ['version 2 was written twice', [seen(1), seen(2), seen(2, { writeId: 'other' }), seen(3)]],
    ['epoch 1 came back at version 3', [seen(1), seen(2, { epoch: 2, owner: 'b' }), seen(3)]],
    ['nobody knows of version 2, and 0 writes are in doubt', [seen(1), seen(3)]],
  ])('%s', (message, history) => {
    expect(contradictions(history, at(3), at(0))).toEqual([`partition 0: ${message}`]);
  });
});
