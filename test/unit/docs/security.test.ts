import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const page = await readFile(join(ROOT, 'docs/security.md'), 'utf8');
const named = [...page.matchAll(/\| `(test\/[^`]+)`(?:: (.+))? \|$/gm)].map(
  ([, file = '', name]) => [file, name] as const,
);

test('docs/security.md names tests', () => {
  expect(named.length).toBeGreaterThan(10);
});

test.each(named)('docs/security.md rests on a test of %s: %s', async (file, name) => {
  const text = await readFile(join(ROOT, file), 'utf8');
  expect(text).toContain(name ?? 'expect(');
});

test('README.md leads to it', async () => {
  expect(await readFile(join(ROOT, 'README.md'), 'utf8')).toContain('docs/security.md');
});
