import { EXIT } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

export interface Stop {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  dispose(): void;
}

/**
 * The first signal asks to stop in order (flush, commit, give leases back), the second ends the process at once:
 * safe at any moment, because what is in flight stands as an intent and the next run settles it.
 */
export function stopOnSignals(terminal: Terminal): Stop {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
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
