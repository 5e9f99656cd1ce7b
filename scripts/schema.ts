import { writeFile } from 'node:fs/promises';
import { pipelineSchemaText, SCHEMA_FILE } from '../lib/configuration/json-schema.ts';

await writeFile(SCHEMA_FILE, pipelineSchemaText());
