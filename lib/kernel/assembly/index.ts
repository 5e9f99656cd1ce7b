// What the host may call. Each routine is described in its own file.
export { batchBounds } from './batch-bounds';
export { buildCrcTables, crc32c } from './crc32c';
export { lz4Decode } from './lz4-decode';
export { lz4Encode } from './lz4-encode';
export { checkObject } from './object-check';
export { snappyDecode } from './snappy-decode';
export { encodeRows } from './rows/encode';
export { hashKey } from './rows/keys';
export { splice } from './splice';
