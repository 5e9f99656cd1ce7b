import { writeFile } from 'node:fs/promises';
import { compileKernel, MODULE_FILE } from './kernel/compile.ts';

await writeFile(MODULE_FILE, await compileKernel());
