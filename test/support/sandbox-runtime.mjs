// What Lambda's own runtime does, in a few lines: loads the handler, then answers one event at a time. Events come on
// stdin, answers go to descriptor 3; what the function logs stays apart from both.
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

const { handler } = await import(process.argv[2]);
const answers = createWriteStream('', { fd: 3 });
let requests = 0;

for await (const line of createInterface(process.stdin)) {
  const { event, timeout } = JSON.parse(line);
  const ends = Date.now() + timeout;
  requests += 1;
  const context = {
    awsRequestId: `request-${process.pid}-${requests}`,
    functionName: 'sandbox',
    getRemainingTimeInMillis: () => ends - Date.now(),
  };
  const answer = await handler(event, context).then(
    (result) => ({ ok: true, result }),
    (error) => ({ ok: false, error: error.message, code: error.code }),
  );
  answers.write(`${JSON.stringify(answer)}\n`);
}
