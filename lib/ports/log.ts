export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log. Messages are for people, fields for queries; neither ever carries a secret or a payload. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  with(fields: LogFields): Log;
}
