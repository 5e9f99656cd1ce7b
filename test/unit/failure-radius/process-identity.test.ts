import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { isDeadProcess, processName } from '../../../lib/assembly/process-identity.ts';
import { startNamedProcess } from '../../support/dead-process.ts';

const OWN = processName();

it('a process knows of itself that it lives, under whatever its leases are called', () => {
  expect(isDeadProcess(OWN)).toBe(false);
  expect(isDeadProcess(`${OWN}/6b0c/cycle-3`)).toBe(false);
});

it('a process of this machine is known to be dead once it was killed, and not before', async () => {
  const other = await startNamedProcess();
  const owner = `${other.name}/6b0c`;
  expect(isDeadProcess(owner)).toBe(false);
  await other.kill();
  expect(isDeadProcess(owner)).toBe(true);
});

it('a process id that was given out again is not taken for the one before', () => {
  expect(isDeadProcess(OWN.replace(/\d+$/, '1'))).toBe(true);
});

it.each([
  ['another machine', OWN.replace(hostname(), 'elsewhere').replace(/\d+$/, '1')],
  [
    'another boot',
    OWN.replace(/\/[\da-f-]+:/, '/00000000-0000-0000-0000-000000000000:').replace(/\d+$/, '1'),
  ],
  ['another container', OWN.replace(/:\d+:\d+$/, ':1:1')],
  ['a function', '5b1b5f4e-0c0e-4a35-8b1a-1b9d6d3c1a11/8f6f'],
  ['an older build', `${hostname()}/999999/5b1b5f4e-0c0e-4a35-8b1a-1b9d6d3c1a11`],
  ['a person', 'somebody'],
])('of %s nothing is known', (_, owner) => {
  expect(isDeadProcess(owner)).toBe(false);
});
