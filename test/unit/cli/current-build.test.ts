import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const BUILT_AT = 1_000_000_000_000;

/** A checkout whose sources and whose build say which of them they are. */
function checkout(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pulsehouse-checkout-'));
  cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'lib/cli'), { recursive: true });
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'lib/cli/main.ts'), "process.stdout.write('sources' as string);");
  writeFileSync(join(folder, 'dist/cli.js'), "process.stdout.write('built');");
  const record = { startedAt: BUILT_AT, inputs: ['lib/cli/main.ts'] };
  writeFileSync(join(folder, 'dist/built-from.json'), JSON.stringify(record));
  changedAt(folder, BUILT_AT - 1_000);
  return folder;
}

function changedAt(folder: string, time: number): void {
  utimesSync(join(folder, 'lib/cli/main.ts'), time / 1_000, time / 1_000);
}

function runs(folder: string): string {
  return spawnSync(process.execPath, [join(folder, 'bin/pulsehouse.js')], { encoding: 'utf8' }).stdout;
}

it('a checkout runs its build while no source was changed since, and its sources otherwise', () => {
  const folder = checkout();
  expect(runs(folder)).toBe('built');
  changedAt(folder, BUILT_AT + 1_000);
  expect(runs(folder)).toBe('sources');
});
