import type { Random } from '../../simulation/random.ts';
import { oddValue } from './odd-values.ts';
import { anything, GOOD } from './values.ts';

/** Those without which a document becomes no row: an empty text is no number and no time. */
const NEEDED: ReadonlySet<string> = new Set(['code', 'seen', 'serial', 'rank']);
const SPACES = ['', ' ', '\t', '\n', '\r\n', '  '] as const;
/** Keys that are no field's. */
const STRANGE_KEYS = ['extra', '', 'ID', 'Status', 'a.b', 'pair.x', '_extra', '_row', '_partition'] as const;
/** Of positions, and one that is a field's in another spelling. */
const CLAIMING_KEYS = ['_index', '_entry', '_ledger', '_publish_time', '\\u0069d'] as const;

type Member = [key: string, value: string];

function members(fields: readonly string[], random: Random): Member[] {
  const missing = random.chance(0.3) ? 0.2 : 0;
  const made: Member[] = [];
  for (const name of fields) {
    if (missing > 0 && !NEEDED.has(name) && random.chance(missing)) continue;
    made.push([name, (GOOD[name] as (typeof GOOD)[string])(random)]);
  }
  if (random.chance(0.2)) made.push([random.pick(STRANGE_KEYS), anything(random)]);
  if (random.chance(0.3)) shuffle(made, random);
  return made;
}

function shuffle(made: Member[], random: Random): void {
  for (let index = made.length - 1; index > 0; index--) {
    const other = random.between(0, index);
    [made[index], made[other]] = [made[other] as Member, made[index] as Member];
  }
}

function write(made: readonly Member[], random: Random): string {
  if (random.chance(0.8)) return `{${made.map(([key, value]) => `"${key}":${value}`).join(',')}}`;
  const space = (): string => random.pick(SPACES);
  const inner = made.map(([key, value]) => `${space()}"${key}"${space()}:${space()}${value}${space()}`);
  return `${space()}{${inner.join(',')}}${space()}`;
}

/** A document whose values are all of their fields' types, in some way of writing it. */
export function goodDocument(fields: readonly string[], random: Random): string {
  return write(members(fields, random), random);
}

/** A document of which one thing or a few are odd. It may be one that becomes a row. */
export function oddDocument(fields: readonly string[], random: Random): string {
  const made = members(fields, random);
  const times = random.chance(0.8) ? 1 : random.between(2, 4);
  for (let time = 0; time < times; time++) spoil(made, random);
  return write(made, random);
}

function spoil(made: Member[], random: Random): void {
  const at = random.between(0, Math.max(0, made.length - 1));
  const member = made[at];
  if (member === undefined) return;
  switch (random.between(0, 9)) {
    case 0:
      made.splice(at, 1);
      break;
    case 1:
      // The same key twice, alike or not.
      made.splice(random.between(0, made.length), 0, [
        member[0],
        random.chance(0.5) ? member[1] : oddValue(random),
      ]);
      break;
    case 2:
      made.splice(random.between(0, made.length), 0, [
        random.pick(CLAIMING_KEYS),
        `${random.between(0, 200)}`,
      ]);
      break;
    case 3:
      made.length = random.chance(0.2) ? 0 : at;
      break;
    default:
      member[1] = oddValue(random);
  }
}
