import { defineConfig } from 'vitest/config';

/** Real servers may be slow on a busy machine; nothing is asserted about time. */
const PATIENCE = 120_000;
/** What is waited for within a test fails in words of its own before the test itself does. */
const WAITING = { poll: { timeout: PATIENCE / 2 } };
/** Most of its time the suite waits for servers: on two cores four workers are faster than two. */
const WORKERS = 4;
const report = process.env['TEST_REPORT'];

export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    globalSetup: ['test/support/build-command.ts'],
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      alone('unit'),
      alone('simulation'),
      alone('chaos'),
      withStack('contract'),
      withStack('integration'),
      withStack('e2e'),
    ],
  },
});

function alone(name: string) {
  return { test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout: PATIENCE, expect: WAITING } };
}

/** All of these share one stack, which is started when the first of them has a test to run. */
function withStack(name: string) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      globalSetup: ['test/support/stack-setup.ts'],
      testTimeout: PATIENCE,
      expect: WAITING,
      hookTimeout: PATIENCE,
    },
  };
}
