import { kernel, type Placed } from '../../../lib/kernel/kernel.ts';

/** Puts a frame in, with room for what it decodes to. */
export function put(frame: Uint8Array, size: number, count = 1): Placed {
  const placed = kernel().putFrame(frame) ? kernel().place(size, count) : undefined;
  if (placed === undefined) throw new Error('the kernel did not take it');
  return placed;
}

/** Makes a payload with bounds resident. */
export function load(data: Uint8Array, bounds: Int32Array): Placed {
  const placed = kernel().load({}, data, bounds);
  if (placed === undefined) throw new Error('the kernel did not take it');
  return placed;
}
