import { MultiBar } from 'cli-progress';
import { count } from '../../lib/cli/format.ts';
import type { Terminal } from '../../lib/cli/terminal.ts';
import type { Watching } from './strike.ts';

export interface DemoProgress {
  readonly published: (messages: number) => void;
  /** Resolves when every published message is committed. */
  untilCommitted(signal: AbortSignal): Promise<void>;
  end(): void;
}

const LOOK_EVERY = 100;
const LINE_EVERY = 2_000;
const PATIENCE = 120_000;

/** What was published and what the partitions' states call committed: two bars on a terminal, lines elsewhere. */
export function followProgress(
  terminal: Terminal,
  { pipeline, state, environment }: Watching,
  messages: number,
  partitions: number,
): DemoProgress {
  const ended = new AbortController();
  const show = terminal.interactive ? bars(messages) : lines(terminal, messages);
  let published = 0;
  let committed = 0;
  const following = (async () => {
    while (!ended.signal.aborted) {
      const states = await state.readPartitions(pipeline.name, partitions, environment.now() + 10_000);
      committed = states.reduce((sum, { totals }) => sum + totals.messages, 0);
      show.update(published, committed);
      if (committed >= messages) return;
      await environment.sleep(LOOK_EVERY, ended.signal);
    }
  })();
  following.catch(() => ended.abort());
  return {
    published: (more) => {
      published += more;
    },
    untilCommitted: async (signal) => {
      const deadline = environment.now() + PATIENCE;
      while (committed < messages) {
        signal.throwIfAborted();
        if (ended.signal.aborted) await following;
        if (environment.now() > deadline) {
          throw new Error(`only ${count(committed)} of ${count(messages)} messages were committed in time`);
        }
        await environment.sleep(LOOK_EVERY / 4, signal);
      }
    },
    end: () => {
      ended.abort();
      show.end();
    },
  };
}

interface Display {
  update(published: number, committed: number): void;
  end(): void;
}

function bars(messages: number): Display {
  const both = new MultiBar({
    format: '{what} {bar} {percentage}%  {value} of {total}',
    hideCursor: true,
    formatValue: (value) => count(value),
  });
  const published = both.create(messages, 0, { what: 'published' });
  const committed = both.create(messages, 0, { what: 'committed' });
  return {
    update: (sent, stored) => {
      published.update(sent, { what: 'published' });
      committed.update(stored, { what: 'committed' });
    },
    end: () => both.stop(),
  };
}

function lines(terminal: Terminal, messages: number): Display {
  let toldAt = 0;
  return {
    update: (published, committed) => {
      const now = performance.now();
      if (now - toldAt < LINE_EVERY) return;
      toldAt = now;
      terminal.remark(`published ${count(published)}, committed ${count(committed)} of ${count(messages)}`);
    },
    end: () => undefined,
  };
}
