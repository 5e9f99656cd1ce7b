/** What the server answered instead of a result: its own code and words. */
export class ServerError extends Error {
  readonly code: number;
  /** Rows that went through the statement before the block it failed in; undefined where no header says so. */
  readonly writtenRows: number | undefined;

  constructor(code: number, text: string, writtenRows?: number) {
    super(text);
    this.name = 'ServerError';
    this.code = code;
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
