import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** What names one process for ever, on a machine whose kernel tells it. */
interface Process {
  readonly pid: number;
  /** The boot, and the namespace that process ids count in: a pid of another one says nothing here. */
  readonly place: string;
  /** When it began, in the kernel's clock ticks since the boot: a pid is given out again. */
  readonly start: string;
}

/** `host/pid`, and where the kernel tells them, boot, namespace and start: what the owner of a lease begins with. */
export function processName(): string {
  const start = startOf(process.pid);
  const place = placeOfProcesses();
  const name = `${hostname()}/${process.pid}`;
  return typeof start === 'string' && place !== undefined ? `${name}/${place}:${start}` : name;
}

/**
 * Whether the owner of a lease is a process of this machine, boot and namespace that has ended. False where that cannot
 * be known: another machine, another container, a function, an older build, a system without /proc.
 */
export function isDeadProcess(owner: string): boolean {
  const found = parse(owner);
  if (!found || found.place !== placeOfProcesses() || !owner.startsWith(`${hostname()}/`)) return false;
  const start = startOf(found.pid);
  return start === 'gone' || (start !== undefined && start !== found.start);
}

function parse(owner: string): Process | undefined {
  const groups = /^[^/]*\/(?<pid>\d+)\/(?<place>[\da-f-]+:\d+):(?<start>\d+)(?:\/|$)/.exec(owner)?.groups;
  const { pid, place, start } = groups ?? {};
  return pid && place && start ? { pid: Number(pid), place, start } : undefined;
}

function placeOfProcesses(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
    return namespace && `${boot}:${namespace}`;
  } catch {
    return undefined;
  }
}

/** `gone`: no such process, or only what is left of it until its parent has asked. Undefined: it cannot be seen. */
function startOf(pid: number): string | 'gone' | undefined {
  if (!exists(pid)) return 'gone';
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, and may hold any character.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? 'gone' : fields[START_TIME];
  } catch {
    // It ended just now, or /proc hides the processes of others.
    return exists(pid) ? undefined : 'gone';
  }
}

/** Field 22 of the line, counted from the one after the state. */
const START_TIME = 18;

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of somebody else's is there, but takes no signal of ours.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
