import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { POSITION_COLUMN_NAMES } from '../../../lib/clickhouse/position-columns.ts';
import { pipelineSchemaText, SCHEMA_FILE } from '../../../lib/configuration/json-schema.ts';
import { loadPipelines } from '../../../lib/configuration/load.ts';
import { FREE_COLUMN } from '../../../lib/configuration/schema.ts';

const EXAMPLE = new URL('../../../examples/iot/pipeline.yml', import.meta.url);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pulsehouse-configuration-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('loading pipelines', () => {
  it('finds nothing to say against the example', async () => {
    const { pipelines, warnings } = await loadPipelines([EXAMPLE.pathname]);
    expect(warnings).toEqual([]);
    expect(pipelines[0]).toMatchObject({
      name: 'iot',
      topic: 'persistent://public/default/iot-sensor-data',
      target: { database: 'benchmark', table: 'sensors_local' },
    });
    expect(Object.keys(pipelines[0]?.columns ?? {})).toHaveLength(25);
  });

  it('tells the problems of every file in one error', async () => {
    const [first, second] = [join(folder, 'a.yml'), join(folder, 'b.yml')];
    const example = await readFile(EXAMPLE, 'utf8');
    await writeFile(first, example);
    await writeFile(second, example.replace('initialPosition: earliest', 'initialPosition: x'));
    const loading = loadPipelines([first, second, first]);
    await expect(loading).rejects.toMatchObject({ code: 'PH_CONFIG_INVALID' });
    const message = await loading.catch((error: Error) => error.message);
    expect(message).toMatch(/b\.yml:\d+ initialPosition: "x" is not a place to start/);
    expect(message).toMatch(/a\.yml:\d+ name: "iot" names another pipeline already/);
  });

  it('names the file that is not there', async () => {
    const missing = join(folder, 'none.yml');
    await expect(loadPipelines([missing])).rejects.toMatchObject({
      code: 'PH_CONFIG_INVALID',
      message: expect.stringContaining(missing),
    });
  });
});

describe('what is written in two places', () => {
  it('is the same JSON Schema as the one kept for editors; `npm run schema` writes it', async () => {
    expect(await readFile(SCHEMA_FILE, 'utf8')).toBe(pipelineSchemaText());
  });

  it('is the same list of position columns', () => {
    expect(POSITION_COLUMN_NAMES.filter((column) => FREE_COLUMN.test(column))).toEqual([]);
    expect(FREE_COLUMN.test('_ledger_2')).toBe(true);
  });
});
