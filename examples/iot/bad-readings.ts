import { reading } from './readings.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Ways in which a reading goes wrong in the field, in turn. Each can never become a row. */
const WRONG: readonly ((text: string) => string)[] = [
  (text) => text.replace(/"temperature":[^,]+/, '"temperature":"n/a"'),
  (text) => text.slice(0, text.length / 2),
  (text) => text.replace(/"humidity":[^,]+/, '"humidity":[50.1,50.2]'),
  () => 'temperature=20.5;humidity=50',
  (text) => text.replace(/"metadata":\{[^}]+\}/, '"metadata":"none"'),
  (text) => text.replace(/"timestamp":\d+/, '"timestamp":"yesterday"'),
  (text) => text.replace(/"batteryLevel":[^,]+/, '"batteryLevel":{"percent":80}'),
];

/** Whether the n-th of a run with so many percent bad is a bad one: spread evenly, at odd distances. */
export function isBad(index: number, percent: number): boolean {
  return Math.floor(((index + 1) * percent) / 100) > Math.floor((index * percent) / 100);
}

/** The n-th reading, or what became of it. The same arguments give the same bytes. */
export function readingOrBad(index: number, sentAt: number, percent: number): Uint8Array {
  const bytes = reading(index, sentAt);
  if (!isBad(index, percent)) return bytes;
  const nth = Math.floor(((index + 1) * percent) / 100);
  const wrong = WRONG[nth % WRONG.length] ?? ((text: string) => text);
  return encoder.encode(wrong(decoder.decode(bytes)));
}
