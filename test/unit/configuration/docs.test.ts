import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { pipelineJsonSchema } from '../../../lib/configuration/json-schema.ts';

interface Node {
  readonly type?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Node>>;
}

/** Every key that takes a value, with its default as it would be written. */
function leaves(node: Node, path: readonly string[] = []): (readonly [string, unknown])[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) =>
    child.properties ? leaves(child, [...path, key]) : [[[...path, key].join('.'), child.default] as const],
  );
}

const documentation = readFile(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const row = async (name: string) =>
  (await documentation)
    .split('\n')
    .find((line) => line.startsWith('|') && line.split(' | ')[0]?.includes(`\`${name}\``));

describe('docs/configuration.md', () => {
  it.each(leaves(pipelineJsonSchema() as Node))('has %s and its default', async (key, byDefault) => {
    const cells = (await row(key))?.split(' | ');
    const required = ['required', 'none', '`pulsehouse-<name>`'];
    if (byDefault === undefined) expect(required).toContain(cells?.[1]);
    else expect(cells?.[1]).toBe(`\`${Array.isArray(byDefault) ? '[]' : String(byDefault)}\``);
  });

  it('has every variable that the settings read', async () => {
    const asked: string[] = [];
    const variables = new Proxy({}, { get: (_, name) => void asked.push(String(name)) });
    expect(() => readSettings(variables)).toThrow(/is not set/);
    const missing = await Promise.all(asked.map(async (name) => ((await row(name)) ? [] : [name])));
    expect(missing.flat().filter((name) => name !== 'AWS_DEFAULT_REGION')).toEqual([]);
    expect(asked).toContain('PULSEHOUSE_BUCKET');
  });
});
