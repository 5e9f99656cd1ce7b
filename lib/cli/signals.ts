import { EXIT } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export interface Stop {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  dispose(): void;
}

/** How a command ends by the first signal. */
export type Ending =
  /** It watches `stop`: what is in flight is finished, then it ends by itself. */
  | 'in order'
  /** At once. The text says what stands then, and what to do. */
  | { readonly atOnce: string };

/**
 * The first signal asks to stop in order (flush, commit, give leases back), the second ends the process at once:
 * safe at any moment, because what is in flight stands as an intent and the next run settles it. A command that
 * has nothing to put in order ends by the first.
 */
export function stopOnSignals(terminal: Terminal, ending: Ending): Stop {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (ending !== 'in order') {
      terminal.complain(`${signal}: ended. ${ending.atOnce}`);
      process.exit(EXIT.interrupted);
    }
    if (controller.signal.aborted) {
      terminal.complain(`${signal} again: ending at once. The next run settles what is in flight.`);
      process.exit(EXIT.interrupted);
    }
    terminal.complain(
      `${signal}: finishing what is in flight and giving leases back (once more to end at once)`,
    );
    controller.abort(signal);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
