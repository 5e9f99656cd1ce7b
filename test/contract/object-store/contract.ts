import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../../lib/ports/object-store.ts';

export interface ObjectStoreSubject {
  readonly objects: ObjectStore;
  /** A deadline far enough for one call, by the store's own clock. */
  deadline(): number;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Plain, since an adapter may answer with a subclass such as Buffer. */
const text = (body: Uint8Array | undefined): string | undefined => body && new TextDecoder().decode(body);

/** What every ObjectStore promises. `open` gives a store that is ready; it may be the same one each time. */
export function objectStoreContract(name: string, open: () => Promise<ObjectStoreSubject>): void {
  describe(`${name}: objects`, () => {
    it('gives back what was created, byte for byte', async () => {
      const { objects, deadline } = await open();
      const key = `${randomUUID()}/every byte: é #1.bin`;
      const body = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
      expect(await objects.create(key, body, deadline())).toEqual({ created: true });
      const found = await objects.read(key, deadline());
      expect(found && Buffer.compare(found, body)).toBe(0);
    });

    it('holds an empty object and tells it from none', async () => {
      const { objects, deadline } = await open();
      const key = randomUUID();
      expect(await objects.read(key, deadline())).toBeUndefined();
      await objects.create(key, new Uint8Array(), deadline());
      expect(await objects.read(key, deadline())).toHaveLength(0);
      expect((await objects.create(key, bytes('x'), deadline())).created).toBe(false);
    });

    it('never replaces an object, and answers what stands there', async () => {
      const { objects, deadline } = await open();
      const key = randomUUID();
      await objects.create(key, bytes('first'), deadline());
      const again = await objects.create(key, bytes('second'), deadline());
      expect(again.created).toBe(false);
      expect(text('existing' in again ? again.existing : undefined)).toBe('first');
      expect(text(await objects.read(key, deadline()))).toBe('first');
    });

    it('lets exactly one of two creators win, 20 times, and tells the other', async () => {
      const { objects, deadline } = await open();
      for (let round = 0; round < 20; round += 1) {
        const key = randomUUID();
        const [a, b] = await Promise.all([
          objects.create(key, bytes('a'), deadline()),
          objects.create(key, bytes('b'), deadline()),
        ]);
        expect(a.created).not.toBe(b.created);
        const winner = a.created ? 'a' : 'b';
        const loser = a.created ? b : a;
        expect(text('existing' in loser ? loser.existing : undefined)).toBe(winner);
        expect(text(await objects.read(key, deadline()))).toBe(winner);
      }
    });

    it('deletes what is there, and what is not there without complaint', async () => {
      const { objects, deadline } = await open();
      const key = randomUUID();
      await objects.create(key, bytes('x'), deadline());
      await objects.delete(key, deadline());
      await objects.delete(key, deadline());
      expect(await objects.read(key, deadline())).toBeUndefined();
      expect(await objects.create(key, bytes('y'), deadline())).toEqual({ created: true });
    });

    it('lists the keys under a prefix in ascending order, more than one page of them', async () => {
      const { objects, deadline } = await open();
      const prefix = `${randomUUID()}/`;
      const keys = Array.from({ length: 1_050 }, (_, n) => `${prefix}${String(n).padStart(6, '0')}`);
      for (let from = 0; from < keys.length; from += 50) {
        await Promise.all(
          keys.slice(from, from + 50).map((key) => objects.create(key, bytes(key), deadline())),
        );
      }
      expect(await objects.list(prefix, deadline())).toEqual(keys);
      expect(await objects.list(`${prefix}00000`, deadline())).toEqual(keys.slice(0, 10));
      expect(await objects.listAfter(prefix, keys[9] ?? '', deadline())).toEqual(keys.slice(10));
      expect(await objects.listAfter(prefix, keys.at(-1) ?? '', deadline())).toEqual([]);
      expect(await objects.list(`${randomUUID()}/`, deadline())).toEqual([]);
    });
  });
}
