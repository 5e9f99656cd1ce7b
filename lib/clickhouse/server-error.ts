export interface ServerErrorHeaders {
  readonly isByHeader?: boolean;
  readonly writtenRows?: number | undefined;
}

/** What the server answered instead of a result: its own code and words. */
export class ServerError extends Error {
  readonly code: number;
  /** The code came in a header of its own, not only in the words. */
  readonly isByHeader: boolean;
  /** Rows that went through the statement before the block it failed in; undefined where no header says so. */
  readonly writtenRows: number | undefined;

  constructor(code: number, text: string, { isByHeader = true, writtenRows }: ServerErrorHeaders = {}) {
    super(text);
    this.name = 'ServerError';
    this.code = code;
    this.isByHeader = isByHeader;
    this.writtenRows = writtenRows;
  }

  /** Its first line with the excerpt of the body cut short: enough to see the value, too little to carry the payload. */
  get summary(): string {
    const line = (this.message.split('\n', 1)[0] ?? '').replace(
      /before: '(.{0,40}).*?'(?=:|$)/s,
      (_, start: string) => `before: '${start}…'`,
    );
    return line.length > 500 ? `${line.slice(0, 500)}…` : line;
  }
}

/** What a balancer answers by itself while the server behind it is away or slow: that passes. */
const OF_A_BALANCER: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

/**
 * An answer that is not ClickHouse's own: a balancer without a server behind it, a proxy's page in place of the server's
 * error, or a port of something else. It says nothing of what the server did.
 */
export class ForeignAnswer extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    const words = text
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim();
    const what =
      status === 200 ? "that is no answer of ClickHouse's" : "without an error of ClickHouse's own";
    super(`HTTP status ${status} ${what}: ${words.slice(0, 100) || 'no words'}`);
    this.name = 'ForeignAnswer';
    this.status = status;
  }

  /** Undefined where it passes by itself. */
  get nextStep(): string | undefined {
    return OF_A_BALANCER.has(this.status) ? undefined : LET_THEM_PASS;
  }
}

export const LET_THEM_PASS =
  'Let the proxy in front of ClickHouse pass its answers as they are: status, body and the X-ClickHouse-* headers, of errors too (nginx: no proxy_intercept_errors, no proxy_hide_header). Or CLICKHOUSE_URL names something else than ClickHouse. `pulsehouse doctor` shows what arrives.';
