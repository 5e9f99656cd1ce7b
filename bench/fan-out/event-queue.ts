import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** Takes asynchronous invocations as Lambda does: answered at once, carried out by `run` meanwhile. */
export interface EventQueue {
  readonly url: string;
  /** Resolves when everything taken so far has been carried out. @throws what `run` threw first */
  settled(): Promise<void>;
  close(): void;
}

export async function openEventQueue(run: (partition: number) => Promise<void>): Promise<EventQueue> {
  let running: Promise<void>[] = [];
  const server = createServer(async (asked, answer) => {
    const { partition } = (await json(asked)) as { readonly partition: number };
    answer.writeHead(202).end();
    const one = run(partition);
    // Told by `settled`; until then it is no unhandled one.
    one.catch(() => undefined);
    running.push(one);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    settled: async () => {
      const taken = running;
      running = [];
      await Promise.all(taken);
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
