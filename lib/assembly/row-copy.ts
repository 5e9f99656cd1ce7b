import type { Pipeline } from '../pipeline/pipeline.ts';
import type { RowCopy } from '../ports/row-copy.ts';
import { openServer, type Surroundings } from './servers.ts';
import type { Settings } from './settings.ts';

/** From one pipeline's table into another's on the same server; whoever asks closes it. */
export async function openRowCopy(
  source: Pipeline['target'],
  pipeline: Pipeline,
  settings: Settings,
  { environment }: Surroundings,
): Promise<RowCopy & { close(): Promise<void> }> {
  const server = await openServer(settings, pipeline);
  const { rowCopy } = await import('../clickhouse/row-copy.ts');
  return { ...rowCopy(server, source, pipeline, () => environment.now()), close: () => server.close() };
}
