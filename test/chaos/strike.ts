import type { Blow } from './faults.ts';
import type { FunctionProcess } from './function-process.ts';
import type { World } from './world.ts';

const STOPPED_MS = 2_500;
const DISTURBED_MS = 2_000;

/** Undoes what a fault left standing. */
export type Heal = () => Promise<void>;

/**
 * Strikes while `victim` is held at its point, and lets it go on where the fault leaves it alive. Resolves once the fault
 * is in force; the answer resolves when servers and connections are whole again. A stopped function is woken by
 * `wakeZombie` later.
 */
export async function strike(world: World, fault: Blow, victim: FunctionProcess): Promise<Heal> {
  if (fault.on === 'function') {
    victim.signal(fault.what === 'kill' ? 'SIGKILL' : 'SIGSTOP');
    return async () => undefined;
  }
  const server = world.stack.server(fault.on);
  if (fault.what === 'kill' || fault.what === 'down') {
    server.kill('SIGKILL');
    await server.ended();
    victim.goOn();
    const restarted = later(fault.what === 'down' ? fault.seconds * 1_000 : 0).then(() => server.start());
    return () => restarted;
  }
  if (fault.what === 'stop') {
    server.kill('SIGSTOP');
    victim.goOn();
    const woken = later(STOPPED_MS).then(() => server.kill('SIGCONT'));
    return () => woken;
  }
  const proxy = world.proxies[fault.on];
  proxy.set(fault.what);
  victim.goOn();
  const healed = later(DISTURBED_MS).then(() => proxy.set('pass'));
  return () => healed;
}

/** A zombie goes on where it stood, long after its successor took over. */
export function wakeZombie(victim: FunctionProcess): void {
  victim.signal('SIGCONT');
  victim.goOn();
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
