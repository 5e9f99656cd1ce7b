import { EXIT } from './exit-codes.ts';
import type { Session } from './session.ts';
import type { Terminal } from './terminal.ts';

/** Time for an orderly end of what needs no answer any more, milliseconds; then who is silent is asked once more. */
const GRACE = 1_000;
const QUESTION_TIME = 3_000;

/**
 * After a signal: what has to be put in order needs servers that answer. Where one does not, waiting for it would last as
 * long as its silence, so that the process ends: what is in flight stands as an intent, and leases run out by themselves.
 */
export function endUnanswered(
  sessions: readonly Session[],
  terminal: Terminal,
  stop: AbortSignal,
): { dispose(): void } {
  const over = new AbortController();
  const look = async (): Promise<void> => {
    await sessions[0]?.environment.sleep(GRACE, over.signal);
    if (over.signal.aborted) return;
    const silent = await Promise.all(sessions.map(({ answers }) => answers.silentNow(QUESTION_TIME)));
    const names = [...new Set(silent.flat())];
    if (over.signal.aborted || names.length === 0) return;
    terminal.complain(
      `ended without an answer of ${names.join(', ')}: the next run settles what is in flight, leases run out by themselves`,
    );
    process.exit(EXIT.interrupted);
  };
  stop.addEventListener('abort', () => void look(), { once: true, signal: over.signal });
  return { dispose: () => over.abort() };
}
