#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { currentBuild } from './current-build.js';

// A checkout runs its sources, through tsx, unless they are built as they are; an installed package has only the build.
const source = new URL('../lib/cli/main.ts', import.meta.url);
const built = existsSync(source) ? currentBuild() : new URL('../dist/cli.js', import.meta.url);
if (built) {
  await import(built.href);
} else {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
}
