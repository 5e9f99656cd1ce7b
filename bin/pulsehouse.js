#!/usr/bin/env node
import { existsSync } from 'node:fs';

// A checkout runs its sources, through tsx; an installed package runs what it was built into.
const source = new URL('../lib/cli/main.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else {
  await import('../dist/cli.js');
}
