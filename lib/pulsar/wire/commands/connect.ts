import { MessageWriter, readFields } from '../protobuf/fields.ts';
import { COMMAND, encodeCommand } from './command.ts';

/** Newest protocol version whose commands this client knows; the broker answers with its own. */
const PROTOCOL_VERSION = 21;
const CLIENT_VERSION = 'pulsehouse';

export interface AuthenticationData {
  /** `token`, `tls`, … */
  readonly method: string;
  readonly data: Uint8Array;
}

export interface ConnectCommand {
  readonly authentication: AuthenticationData | undefined;
  /** `host:port` of the broker that a proxy is to connect us with. */
  readonly proxyToBroker: string | undefined;
}

/**
 * `CommandConnect { client_version = 1; auth_data = 3; protocol_version = 4; auth_method_name = 5;
 * proxy_to_broker_url = 6; feature_flags = 10 { supports_auth_refresh = 1; supports_broker_entry_metadata = 2 } }`
 */
export function encodeConnect(command: ConnectCommand): Uint8Array {
  const features = new MessageWriter().bool(1, command.authentication !== undefined).bool(2, true);
  return encodeCommand(
    COMMAND.connect,
    new MessageWriter()
      .string(1, CLIENT_VERSION)
      .bytes(3, command.authentication?.data)
      .uint(4, PROTOCOL_VERSION)
      .string(5, command.authentication?.method)
      .string(6, command.proxyToBroker)
      .message(10, features),
  );
}

export interface Connected {
  readonly serverVersion: string;
  readonly protocolVersion: number;
  /** Undefined when the broker names no limit. */
  readonly maxMessageSize: number | undefined;
}

/** `CommandConnected { server_version = 1; protocol_version = 2; max_message_size = 3 }` */
export function decodeConnected(body: Uint8Array): Connected {
  let serverVersion = '';
  let protocolVersion = 0;
  let maxMessageSize: number | undefined;
  readFields(body, {
    1: (reader) => {
      serverVersion = reader.string();
    },
    2: (reader) => {
      protocolVersion = reader.int32();
    },
    3: (reader) => {
      maxMessageSize = reader.int32();
    },
  });
  return { serverVersion, protocolVersion, maxMessageSize };
}

/** `CommandAuthResponse { client_version = 1; response = 2 { auth_method_name = 1; auth_data = 2 }; protocol_version = 3 }` */
export function encodeAuthResponse(authentication: AuthenticationData): Uint8Array {
  return encodeCommand(
    COMMAND.authResponse,
    new MessageWriter()
      .string(1, CLIENT_VERSION)
      .message(2, new MessageWriter().string(1, authentication.method).bytes(2, authentication.data))
      .uint(3, PROTOCOL_VERSION),
  );
}

/** `CommandPing` and `CommandPong` are empty. */
export const PING = encodeCommand(COMMAND.ping, new MessageWriter());
export const PONG = encodeCommand(COMMAND.pong, new MessageWriter());
