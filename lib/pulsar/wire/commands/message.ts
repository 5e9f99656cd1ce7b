import { ByteCursor, malformed } from '../protobuf/byte-cursor.ts';

/** Type 9 of BaseCommand, as a tag and value: how every MESSAGE command of a broker begins. */
export const MESSAGE_TYPE = 9;

/** What a reader needs of MESSAGE; made once for each entry, so it is decoded by hand. */
export interface MessageCommand {
  consumerId: number;
  ledger: number;
  entry: number;
}

/** The type of a BaseCommand whose first field it is, as in every frame a broker writes; 0 otherwise. */
export function peekCommandType(frame: Uint8Array): number {
  return frame[4] === 0x08 && (frame[5] as number) < 0x80 ? (frame[5] as number) : 0;
}

/**
 * `BaseCommand { type = 1; message = 9 { consumer_id = 1; message_id = 2 { ledgerId = 1; entryId = 2 } } }`
 * An acknowledgement set and a redelivery count say something of a durable cursor only, and are passed over.
 */
export function decodeMessageCommand(frame: Uint8Array, start: number, end: number): MessageCommand {
  const command: MessageCommand = { consumerId: -1, ledger: -1, entry: -1 };
  const cursor = new ByteCursor(frame, start, end);
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x4a) readBody(cursor, command);
    else cursor.skip(tag & 7);
  }
  if (command.consumerId < 0 || command.ledger < 0 || command.entry < 0) {
    throw malformed('a MESSAGE command without consumer or message id');
  }
  return command;
}

function readBody(cursor: ByteCursor, command: MessageCommand): void {
  const end = cursor.lengthDelimited();
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x08) command.consumerId = cursor.int64();
    else if (tag === 0x12) readId(cursor, command);
    else cursor.skip(tag & 7);
  }
  cursor.expectEnd(end);
}

function readId(cursor: ByteCursor, command: MessageCommand): void {
  const end = cursor.lengthDelimited();
  while (cursor.at < end) {
    const tag = cursor.uint32();
    if (tag === 0x08) command.ledger = cursor.int64();
    else if (tag === 0x10) command.entry = cursor.int64();
    else cursor.skip(tag & 7);
  }
  cursor.expectEnd(end);
}
