import { MessageWriter, readFields } from '../protobuf/fields.ts';
import { COMMAND, encodeCommand } from './command.ts';

export interface LookupCommand {
  readonly topic: string;
  readonly authoritative: boolean;
  readonly listenerName: string | undefined;
}

/** `CommandLookupTopic { topic = 1; request_id = 2; authoritative = 3; advertised_listener_name = 7 }` */
export function encodeLookup(command: LookupCommand, requestId: number): Uint8Array {
  return encodeCommand(
    COMMAND.lookup,
    new MessageWriter()
      .string(1, command.topic)
      .uint(2, requestId)
      .bool(3, command.authoritative)
      .string(7, command.listenerName),
  );
}

const OUTCOMES = ['redirect', 'connect', 'failed'] as const;

export interface LookupResponse {
  readonly outcome: (typeof OUTCOMES)[number];
  readonly url: string;
  readonly urlTls: string;
  readonly authoritative: boolean;
  /** The broker is reached through the address we asked, which is a proxy. */
  readonly throughService: boolean;
}

/**
 * `CommandLookupTopicResponse { brokerServiceUrl = 1; brokerServiceUrlTls = 2; response = 3 (0 redirect, 1 connect,
 * 2 failed); authoritative = 5; proxy_through_service_url = 8 }`
 */
export function decodeLookupResponse(body: Uint8Array): LookupResponse {
  let response = 2;
  let url = '';
  let urlTls = '';
  let authoritative = false;
  let throughService = false;
  readFields(body, {
    1: (reader) => {
      url = reader.string();
    },
    2: (reader) => {
      urlTls = reader.string();
    },
    3: (reader) => {
      response = reader.int32();
    },
    5: (reader) => {
      authoritative = reader.bool();
    },
    8: (reader) => {
      throughService = reader.bool();
    },
  });
  return { outcome: OUTCOMES[response] ?? 'failed', url, urlTls, authoritative, throughService };
}
