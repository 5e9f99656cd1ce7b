import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PROGRAM = `
const { register } = await import('tsx/esm/api');
register();
const { processName } = await import('${new URL('../../lib/assembly/process-identity.ts', import.meta.url).href}');
process.stdout.write(processName());
setInterval(() => undefined, 1000);
`;

export interface NamedProcess {
  /** What the leases it takes are called by. */
  readonly name: string;
  /** Ends it as a crash does, and resolves when it has ended. */
  kill(): Promise<void>;
}

/** A process of this machine that says how its leases are called, and does nothing else. */
export async function startNamedProcess(): Promise<NamedProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [name] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    name: name.toString('utf8'),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
