import { reading } from '../../examples/iot/readings.ts';

const SAMPLES = 22;
const CLOSING_BRACE = 1;

/** The n-th reading with the samples that it was made of, about 1,500 bytes. No column is made of the samples. */
export function largeReading(index: number, sentAt: number): Uint8Array {
  const small = reading(index, sentAt);
  const samples = Array.from({ length: SAMPLES }, (_, sample) => {
    const value = (20 + 5 * Math.sin((index + sample) / 500)).toFixed(4);
    return `{"at":${sentAt - 1000 * sample},"value":${value},"quality":"good"}`;
  });
  const rest = Buffer.from(`,"samples":[${samples.join(',')}]}`);
  return Buffer.concat([small.subarray(0, small.length - CLOSING_BRACE), rest]);
}
