import { expect, it } from 'vitest';
import { Kernel } from '../../../lib/kernel/kernel.ts';
import { ENTRY } from '../../../lib/kernel/layout.ts';

const MEBI = 1024 * 1024;

it('keeps a loaded entry where it is while the working area grows', () => {
  const kernel = new Kernel();
  const owner = {};
  const placed = kernel.load(owner, Buffer.from('{"a":1}{}'), Int32Array.of(0, 7, 7, 9));
  const work = kernel.work(3 * MEBI);
  expect(work + 3 * MEBI).toBeLessThan(kernel.bytes.length);
  const { data = 0, bounds = 0 } = placed ?? {};
  expect(Buffer.from(kernel.bytes.subarray(data, data + 9)).toString()).toBe('{"a":1}{}');
  expect([...kernel.words.subarray(bounds / 4, bounds / 4 + 4)]).toEqual([0, 7, 7, 9]);
  expect(kernel.residentOf).toBe(owner);
});

it('keeps a frame that was put in and not decoded yet out of the working area', () => {
  const kernel = new Kernel();
  const frame = Buffer.from('a frame');
  kernel.putFrame(frame);
  const work = kernel.work(100);
  kernel.bytes.fill(0, work, work + 100);
  expect(Buffer.from(kernel.bytes.subarray(ENTRY, ENTRY + frame.length))).toEqual(frame);
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
  kernel.load({}, new Uint8Array(30 * MEBI), Int32Array.of(0, 30 * MEBI));
  kernel.work(50 * MEBI);
  expect(kernel.bytes.length).toBeGreaterThan(80 * MEBI);
  expect(kernel.rowsOf).toBeDefined();
  kernel.load({}, new Uint8Array(MEBI), Int32Array.of(0, MEBI));
  expect(kernel.bytes.length).toBeLessThan(4 * MEBI);
  expect(kernel.rowsOf).toBeUndefined();
});

it('does not take what is too large for it', () => {
  const kernel = new Kernel();
  expect(kernel.putFrame(new Uint8Array(33 * MEBI))).toBe(false);
  expect(kernel.load({}, new Uint8Array(33 * MEBI), Int32Array.of(0, 33 * MEBI))).toBeUndefined();
  expect(kernel.place(33 * MEBI, 1)).toBeUndefined();
  expect(kernel.residentOf).toBeUndefined();
});

it('says so when there is no memory', () => {
  expect(() => new Kernel().work(5 * 1024 * MEBI)).toThrow(RangeError);
});

it('loads an entry once, and again when another one was loaded since', () => {
  const kernel = new Kernel();
  const entry = { data: Buffer.from('{}'), bounds: Int32Array.of(0, 2) };
  const first = kernel.reside(entry);
  expect(kernel.reside(entry)).toBe(first);
  kernel.reside({ ...entry });
  expect(kernel.residentOf).not.toBe(entry);
  expect(kernel.reside(entry)).toEqual(first);
  expect(kernel.residentOf).toBe(entry);
});
