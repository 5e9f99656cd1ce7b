/** Watches a command that never ends, says its process ids, and waits to be killed. */
import { join } from 'node:path';
import { runWatched } from '../../../infra/local/watched.ts';

const [folder = '', release] = process.argv.slice(2);
const watched = await runWatched({
  command: 'sh',
  arguments: ['-c', 'sleep 1000 & sleep 1000'],
  folder,
  log: join(folder, 'log'),
  grace: 1,
});
if (release === 'true') await watched.release();
process.send?.({ pid: watched.pid, watchdog: watched.watchdog.pid });
