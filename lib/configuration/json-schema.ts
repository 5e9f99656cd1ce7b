import * as z from 'zod';
import { pipelineFile } from './schema.ts';

/** A node of a JSON Schema as far as this project looks into one. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly examples?: readonly unknown[];
}

/** JSON Schema (draft 2020-12) of pipeline.yml as it is written, for editors. */
export function pipelineJsonSchema(): Record<string, unknown> & SchemaNode {
  const schema = z.toJSONSchema(pipelineFile, { io: 'input' });
  return { ...schema, title: 'Pulsehouse pipeline' } as Record<string, unknown> & SchemaNode;
}

/** Where the schema is kept for editors: `npm run schema` writes it, and a test says that it is fresh. */
export const SCHEMA_FILE = new URL('../../docs/pipeline.schema.json', import.meta.url);

export function pipelineSchemaText(): string {
  return `${JSON.stringify(pipelineJsonSchema(), undefined, 2)}\n`;
}

/** The node that describes the key at `path`; undefined where the schema knows no such key. */
export function schemaAt(path: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = pipelineJsonSchema();
  for (const key of path) node = node?.properties?.[String(key)];
  return node;
}
