// What the host may call. Each routine is described in its own file.
export { buildCrcTables, crc32c } from './crc32c';
