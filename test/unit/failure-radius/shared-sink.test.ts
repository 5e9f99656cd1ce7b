import { expect, it } from 'vitest';
import { SharedSink } from '../../../lib/cli/shared-sink.ts';
import type { Sink } from '../../../lib/ports/sink.ts';

function opening() {
  const closed: number[] = [];
  let opened = 0;
  const sinks = new SharedSink(async () => {
    opened += 1;
    const number = opened;
    return { table: String(number), close: async () => void closed.push(number) } as unknown as Sink;
  });
  return { sinks, closed, opened: () => opened };
}

const nameOf = async ({ table }: Sink) => table;

it('work side by side and one after the other has the same sink, and so the same endpoint', async () => {
  const { sinks, closed } = opening();
  expect(await Promise.all([sinks.use(nameOf), sinks.use(nameOf)])).toEqual(['1', '1']);
  expect(await sinks.use(nameOf)).toBe('1');
  await sinks.close();
  expect(closed).toEqual([1]);
});

it('after work that failed the next has a new one, while what is under way keeps its own', async () => {
  const { sinks, closed } = opening();
  let end = (): void => undefined;
  const underWay = sinks.use(async ({ table }) => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return table;
  });
  await expect(sinks.use(() => Promise.reject(new Error('unreachable')))).rejects.toThrow('unreachable');
  expect(await sinks.use(nameOf)).toBe('2');
  expect(closed).toEqual([]);
  end();
  expect(await underWay).toBe('1');
  expect(closed).toEqual([1]);
  await sinks.close();
  expect(closed).toEqual([1, 2]);
});

it('one that cannot be opened is opened again for the next', async () => {
  let tries = 0;
  const sinks = new SharedSink(async () => {
    tries += 1;
    if (tries === 1) throw new Error('its certificate cannot be read');
    return { table: 'opened', close: async () => undefined } as unknown as Sink;
  });
  await expect(sinks.use(nameOf)).rejects.toThrow('certificate');
  expect(await sinks.use(nameOf)).toBe('opened');
});
