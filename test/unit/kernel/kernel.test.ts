import { expect, it } from 'vitest';
import { Kernel } from '../../../lib/kernel/kernel.ts';

const MEBI = 1024 * 1024;

it('keeps a loaded entry where it is while the working area grows', () => {
  const kernel = new Kernel();
  const owner = {};
  const { data, bounds, count } = kernel.load(owner, Buffer.from('{"a":1}{}'), Int32Array.of(0, 7, 7, 9));
  const work = kernel.work(3 * MEBI);
  expect(work + 3 * MEBI).toBeLessThan(kernel.bytes.length);
  expect(Buffer.from(kernel.bytes.subarray(data, data + 9)).toString()).toBe('{"a":1}{}');
  expect([...new Int32Array(kernel.bytes.buffer, bounds, 2 * count)]).toEqual([0, 7, 7, 9]);
  expect(kernel.residentOf).toBe(owner);
});

it('knows of no resident entry once another frame is put in', () => {
  const kernel = new Kernel();
  kernel.load({}, Buffer.from('{}'), Int32Array.of(0, 2));
  kernel.putFrame(Buffer.from('another'));
  expect(kernel.residentOf).toBeUndefined();
});

it('gives the memory of an outsized entry back, and tables that lay in it with it', () => {
  const kernel = new Kernel();
  kernel.rowsOf = {};
  kernel.load({}, new Uint8Array(80 * MEBI), Int32Array.of(0, 80 * MEBI));
  expect(kernel.bytes.length).toBeGreaterThan(80 * MEBI);
  expect(kernel.rowsOf).toBeDefined();
  kernel.load({}, new Uint8Array(MEBI), Int32Array.of(0, MEBI));
  expect(kernel.bytes.length).toBeLessThan(4 * MEBI);
  expect(kernel.rowsOf).toBeUndefined();
});

it('says so when there is no memory for an entry', () => {
  expect(() => new Kernel().place(5 * 1024 * MEBI, 1)).toThrow(RangeError);
});
