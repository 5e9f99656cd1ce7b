import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS, faultName } from './faults.ts';
import { chooseRounds, SHORT_FORM, wholeMatrix } from './matrix.ts';
import { POINTS } from './points.ts';
import { playRound } from './round.ts';
import { openWorld, type World } from './world.ts';

const START_MS = 180_000;
const ROUND_MS = 180_000;

describe('the rounds', () => {
  test('of the short form cover every point, every kind of fault and every server', () => {
    const kinds = (rounds: readonly { fault: { what: string } }[]) =>
      new Set(rounds.map(({ fault }) => fault.what));
    const places = (rounds: readonly { fault: { on: string } }[]) =>
      new Set(rounds.map(({ fault }) => fault.on));
    const all = FAULTS.map((fault) => ({ fault }));
    expect(new Set(SHORT_FORM.map(({ point }) => point))).toEqual(new Set(POINTS));
    expect(kinds(SHORT_FORM)).toEqual(kinds(all));
    expect(places(SHORT_FORM)).toEqual(places(all));
  });

  test('of the matrix are all played before any is played again', () => {
    const cells = wholeMatrix().length;
    expect(new Set(chooseRounds(cells)).size).toBe(cells);
  });
});

describe('on real servers nothing is lost or doubled when', () => {
  let world: World;

  beforeAll(async () => {
    world = await openWorld();
  }, START_MS);

  afterAll(() => world.stop());

  for (const round of SHORT_FORM) {
    test(
      `${faultName(round.fault)} strikes at ${round.point}`,
      async () => {
        expect(await playRound(world, round)).toMatchObject({ lost: 0, doubled: 0 });
      },
      ROUND_MS,
    );
  }
});
