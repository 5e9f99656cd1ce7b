import { writeKernel } from './kernel/compile.ts';

await writeKernel();
