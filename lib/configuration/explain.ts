import leven from 'leven';
import type { z } from 'zod';
import { schemaAt } from './json-schema.ts';

export interface Explanation {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What a person can act on. One issue names several keys where several are unknown. */
export function explain(
  issue: z.core.$ZodIssue,
  valueAt: (path: readonly PropertyKey[]) => unknown,
): Explanation[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: unknownKey(path, key) }));
  }
  if (issue.code === 'invalid_key') {
    return [{ path, message: issue.issues.map(({ message }) => message).join('; ') }];
  }
  const value = valueAt(path);
  if (value === undefined) return [{ path, message: missing(path) }];
  if (issue.code === 'invalid_type' && issue.expected === 'object') {
    return [{ path, message: `${show(value)} is not a group of keys; ${knownKeys(path)}` }];
  }
  return [{ path, message: `${show(value)} ${issue.message}` }];
}

function missing(path: readonly PropertyKey[]): string {
  const example = schemaAt(path)?.examples?.[0];
  return example === undefined
    ? `is missing; ${knownKeys(path)}`
    : `is missing; write for example ${String(path.at(-1))}: ${show(example)}`;
}

function unknownKey(path: readonly PropertyKey[], key: string): string {
  const known = Object.keys(schemaAt(path)?.properties ?? {});
  const nearest = known
    .map((name) => ({ name, distance: leven(name.toLowerCase(), key.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  // Farther off than a third of the word, the nearest is no likelier than any other.
  if (nearest && nearest.distance <= Math.max(2, key.length / 3)) {
    return `is not a key; did you mean ${nearest.name}?`;
  }
  return `is not a key; ${knownKeys(path)}`;
}

function knownKeys(path: readonly PropertyKey[]): string {
  const known = Object.keys(schemaAt(path)?.properties ?? {});
  return known.length === 0 ? 'write its value' : `the keys here are ${known.join(', ')}`;
}

const SHOWN = 80;

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
