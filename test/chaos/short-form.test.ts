import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS, type Fault, faultName, LONG_FAULT } from './faults.ts';
import { chooseRounds, EVERY_CELL, SHORT_FORM, wholeMatrix } from './matrix.ts';
import { POINTS } from './points.ts';
import { playRound, type Round } from './round.ts';
import { openWorld, type World } from './world.ts';

const START_MS = 180_000;
const ROUND_MS = 180_000;
const SILENT: Fault = { on: 'partition', what: 'silent' };

describe('the rounds', () => {
  test('of the short form cover every point, every kind of fault and every server', () => {
    const kinds = (faults: readonly Fault[]) => new Set(faults.map(({ what }) => what));
    const places = (faults: readonly Fault[]) => new Set(faults.map(({ on }) => on));
    const played = SHORT_FORM.map(({ fault }) => fault);
    expect(new Set(SHORT_FORM.map(({ point }) => point))).toEqual(new Set(POINTS));
    // A partition that is silent costs the many seconds until everybody has given up waiting; it is refused here.
    expect(kinds([...played, SILENT])).toEqual(kinds([...FAULTS, LONG_FAULT]));
    expect(places(played)).toEqual(places(FAULTS));
  });

  test('come to every fault within a hundred, and once to the one that lasts minutes', () => {
    const names = chooseRounds(100).map(({ fault }) => faultName(fault));
    expect(new Set(names)).toEqual(new Set([...FAULTS, LONG_FAULT].map(faultName)));
    expect(names.filter((name) => name === faultName(LONG_FAULT))).toHaveLength(1);
  });

  test('come to every fault at every point where it can be met', () => {
    const cells = (rounds: readonly Round[]) =>
      new Set(rounds.map(({ fault, point }) => `${faultName(fault)} at ${point}`));
    const lasting = (round: Round) => round.fault.what === 'down';
    const short = (rounds: readonly Round[]) => rounds.filter((round) => !lasting(round));
    expect(cells(short(chooseRounds(EVERY_CELL)))).toEqual(cells(short(wholeMatrix())));
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
