import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Fenced } from '../../../lib/pipeline/partition-state.ts';
import type { LeaseClaim, LeaseResult, WriteResult } from '../../../lib/ports/state-store.ts';

/** One fenced item of a store that nobody else uses. */
export interface FencedSubject<State extends Fenced> {
  /** A state that was never stored, free to take. */
  readonly initial: State;
  create(state: State): Promise<WriteResult<State>>;
  read(): Promise<State | undefined>;
  take(claim: LeaseClaim): Promise<LeaseResult<State>>;
  write(next: State): Promise<WriteResult<State>>;
}

const NOW = 1_790_000_000_000;

function claim(changes: Partial<LeaseClaim> = {}): LeaseClaim {
  return { owner: randomUUID(), writeId: randomUUID(), now: NOW, leaseUntil: NOW + 15_000, ...changes };
}

/** The state that follows `state` in a legal write. */
function following<State extends Fenced>(state: State, changes: Partial<Fenced> = {}): State {
  return {
    ...state,
    version: state.version + 1,
    follows: state.writeId,
    writeId: randomUUID(),
    ...changes,
  };
}

/** What every fenced item promises, whatever else it holds. */
export function fencedContract<State extends Fenced>(
  name: string,
  open: () => Promise<FencedSubject<State>>,
): void {
  describe(`${name}: create`, () => {
    it('stores a state once and shows what stands to whoever comes second', async () => {
      const item = await open();
      expect(await item.read()).toBeUndefined();
      expect(await item.create(item.initial)).toEqual({ written: true });
      const second = { ...item.initial, writeId: randomUUID() };
      expect(await item.create(second)).toStrictEqual({ written: false, found: item.initial });
      expect(await item.read()).toStrictEqual(item.initial);
    });

    it('answers a repeated create as written', async () => {
      const item = await open();
      await item.create(item.initial);
      expect(await item.create(item.initial)).toEqual({ written: true });
    });
  });

  describe(`${name}: write`, () => {
    it('replaces the state it was made from', async () => {
      const item = await open();
      await item.create(item.initial);
      const next = following(item.initial, { owner: 'me', leaseUntil: NOW });
      expect(await item.write(next)).toEqual({ written: true });
      expect(await item.read()).toStrictEqual(next);
    });

    it.each([
      ['a version behind', { version: 0 }],
      ['a version ahead', { version: 2 }],
      ['an older epoch', { epoch: -1 }],
      ['a newer epoch', { epoch: 1 }],
      ['another state of the same epoch and version', { follows: 'that of a copy put back' }],
    ])('is refused with %s, and shows what stands', async (_, off) => {
      const item = await open();
      await item.create(item.initial);
      const next = following(item.initial, {
        version: item.initial.version + ('version' in off ? off.version : 1),
        epoch: item.initial.epoch + ('epoch' in off ? off.epoch : 0),
        follows: 'follows' in off ? off.follows : item.initial.writeId,
      });
      expect(await item.write(next)).toStrictEqual({ written: false, found: item.initial });
      expect(await item.read()).toStrictEqual(item.initial);
    });

    it('is refused where nothing stands', async () => {
      const item = await open();
      expect(await item.write(following(item.initial))).toStrictEqual({ written: false, found: undefined });
      expect(await item.read()).toBeUndefined();
    });

    it('answers a repeated write as written, and changes nothing by it', async () => {
      const item = await open();
      await item.create(item.initial);
      const next = following(item.initial);
      await item.write(next);
      expect(await item.write(next)).toEqual({ written: true });
      expect(await item.read()).toStrictEqual(next);
    });

    it('refuses a late copy of an own write that a later one has followed', async () => {
      const item = await open();
      await item.create(item.initial);
      const first = following(item.initial);
      const second = following(first);
      await item.write(first);
      await item.write(second);
      expect(await item.write(first)).toStrictEqual({ written: false, found: second });
      expect(await item.read()).toStrictEqual(second);
    });

    it('lets exactly one of two writers of one version win, 50 times', async () => {
      const item = await open();
      await item.create(item.initial);
      let stands = item.initial;
      for (let round = 0; round < 50; round += 1) {
        const rivals = [following(stands, { owner: 'a' }), following(stands, { owner: 'b' })] as const;
        const [a, b] = await Promise.all([item.write(rivals[0]), item.write(rivals[1])]);
        expect(a.written).not.toBe(b.written);
        stands = a.written ? rivals[0] : rivals[1];
        expect(a.written ? b : a).toStrictEqual({ written: false, found: stands });
      }
      expect(await item.read()).toStrictEqual(stands);
    });
  });

  describe(`${name}: lease`, () => {
    it('is given when nobody holds it, and raises epoch and version and nothing else', async () => {
      const item = await open();
      await item.create(item.initial);
      const asked = claim();
      const { owner, writeId, leaseUntil } = asked;
      const state = {
        ...item.initial,
        epoch: item.initial.epoch + 1,
        version: item.initial.version + 1,
        owner,
        follows: item.initial.writeId,
        writeId,
        leaseUntil,
      };
      expect(await item.take(asked)).toStrictEqual({ taken: true, state });
      expect(await item.read()).toStrictEqual(state);
    });

    it('raises the epoch by as much as a restore asks for', async () => {
      const item = await open();
      await item.create(item.initial);
      const result = await item.take(claim({ raise: 1_000_000_000 }));
      expect(result).toMatchObject({ taken: true, state: { epoch: item.initial.epoch + 1_000_000_000 } });
    });

    it('is given while it runs where its holder is named as dead, and then no more under that name', async () => {
      const item = await open();
      await item.create(item.initial);
      const dead = claim();
      await item.take(dead);
      const successor = claim({ now: NOW + 1, dead: dead.owner });
      expect(await item.take(successor)).toMatchObject({
        taken: true,
        state: { owner: successor.owner, epoch: item.initial.epoch + 2, leaseUntil: successor.leaseUntil },
      });
      const second = await item.take(claim({ now: NOW + 2, dead: dead.owner }));
      expect(second).toMatchObject({ taken: false, found: { owner: successor.owner } });
    });

    it('is not given while another holds it', async () => {
      const item = await open();
      const held = { ...item.initial, owner: 'other', leaseUntil: NOW + 1 };
      await item.create(held);
      expect(await item.take(claim())).toStrictEqual({ taken: false, found: held });
      expect(await item.read()).toStrictEqual(held);
    });

    it('is given the moment the holder’s time has run out', async () => {
      const item = await open();
      await item.create({ ...item.initial, owner: 'other', leaseUntil: NOW });
      expect((await item.take(claim())).taken).toBe(true);
    });

    it('is given when the holder gave it back early', async () => {
      const item = await open();
      await item.create({ ...item.initial, owner: undefined, leaseUntil: NOW + 15_000 });
      expect((await item.take(claim())).taken).toBe(true);
    });

    it('is not given where nothing stands, and makes nothing', async () => {
      const item = await open();
      expect(await item.take(claim())).toStrictEqual({ taken: false, found: undefined });
      expect(await item.read()).toBeUndefined();
    });

    it('answers a repeated claim as taken, under the same epoch', async () => {
      const item = await open();
      await item.create(item.initial);
      const asked = claim();
      const first = await item.take(asked);
      expect(first.taken).toBe(true);
      expect(await item.take(asked)).toStrictEqual(first);
    });

    it('does not answer a repeated claim as taken once another has followed', async () => {
      const item = await open();
      await item.create(item.initial);
      const asked = claim();
      await item.take(asked);
      const successor = await item.take(claim({ now: asked.leaseUntil, leaseUntil: NOW + 60_000 }));
      expect(successor.taken).toBe(true);
      expect((await item.take(asked)).taken).toBe(false);
      expect(await item.read()).toStrictEqual('state' in successor && successor.state);
    });

    it('goes to exactly one of twenty who claim it at once', async () => {
      const item = await open();
      await item.create(item.initial);
      const results = await Promise.all(Array.from({ length: 20 }, () => item.take(claim())));
      const taken = results.flatMap((result) => (result.taken ? [result.state] : []));
      expect(taken).toHaveLength(1);
      expect(await item.read()).toStrictEqual(taken[0]);
    });

    it('fences the holder before: its next write is refused', async () => {
      const item = await open();
      await item.create(item.initial);
      const mine = await item.take(claim());
      if (!mine.taken) throw new Error('the free lease was not given');
      const theirs = await item.take(claim({ now: NOW + 15_000, leaseUntil: NOW + 30_000 }));
      if (!theirs.taken) throw new Error('the lease that ran out was not given');
      expect(theirs.state.epoch).toBe(mine.state.epoch + 1);
      expect(await item.write(following(mine.state))).toStrictEqual({ written: false, found: theirs.state });
    });
  });
}
