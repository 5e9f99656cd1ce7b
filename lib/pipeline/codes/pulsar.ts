import type { CodeEntry } from './code-entry.ts';

/** Codes about Pulsar and its topics. */
export const PULSAR_CODES = {
  PH_PULSAR_URL_INVALID: {
    kind: 'terminal',
    nextStep: 'Give PULSAR_SERVICE_URL as pulsar://host:port or pulsar+ssl://host:port.',
  },
  PH_PULSAR_UNREACHABLE: {
    kind: 'retryable',
    nextStep: 'Check that the broker runs and that PULSAR_SERVICE_URL names its binary port.',
  },
  PH_PULSAR_TLS: {
    kind: 'terminal',
    nextStep:
      "Name the authority of the broker's certificate, and connect by a name the certificate carries.",
  },
  PH_PULSAR_CONNECTION_LOST: { kind: 'retryable', nextStep: 'Nothing: the next run goes on.' },
  PH_PULSAR_TIMEOUT: {
    kind: 'retryable',
    nextStep: 'Check the broker and its bookies for overload; the next run goes on.',
  },
  PH_PULSAR_NOT_READY: {
    kind: 'retryable',
    nextStep: 'Nothing, if the broker is starting or moving the topic; otherwise read its log.',
  },
  PH_PULSAR_THROTTLED: {
    kind: 'retryable',
    nextStep: 'Raise the limit of concurrent lookups in the broker.',
  },
  PH_PULSAR_SERVER_ERROR: { kind: 'in-doubt', nextStep: "Read the broker's log for the message quoted." },
  PH_PULSAR_REFUSED: { kind: 'terminal', nextStep: 'Change what the broker objects to.' },
  PH_PULSAR_AUTHENTICATION: {
    kind: 'terminal',
    nextStep: 'Check PULSAR_TOKEN (or the client certificate): the broker does not accept it.',
  },
  PH_PULSAR_AUTHORIZATION: {
    kind: 'terminal',
    nextStep: 'Grant the role the consume permission on the topic and the subscription.',
  },
  PH_PULSAR_TOPIC_NOT_FOUND: {
    kind: 'terminal',
    nextStep:
      'Create the topic, or correct `topic` in pipeline.yml; partitions of it that are gone come back by `pulsar-admin topics create-missed-partitions`, or by `update-partitioned-topic` where it was made anew with fewer.',
  },
  PH_PULSAR_TOPIC_TERMINATED: {
    kind: 'terminal',
    nextStep: 'Nothing can be published to a terminated topic.',
  },
  PH_PULSAR_SUBSCRIPTION_MISSING: {
    kind: 'terminal',
    nextStep:
      'Find out who deleted the subscription, or the topic. The next checkpoint makes it anew at earliest (so does `pulsehouse init`); what nobody had read when it went may be gone.',
  },
  PH_PULSAR_CONSUMER_BUSY: {
    kind: 'retryable',
    nextStep: 'Disconnect the other consumer of this subscription, or name another subscription.',
  },
  PH_PULSAR_CLIENT_MISSING: {
    kind: 'terminal',
    nextStep:
      'Run `npm rebuild pulsar-client --ignore-scripts=false` on a machine that reaches the internet, or leave PULSAR_TRANSPORT unset.',
  },
  PH_PULSAR_ADMIN_NEEDED: {
    kind: 'terminal',
    nextStep:
      'Set PULSAR_ADMIN_URL to the web address of the broker, or leave PULSAR_TRANSPORT unset: `wire` does without.',
  },
  PH_PULSAR_UNSUPPORTED: { kind: 'terminal', nextStep: 'Use a broker of Pulsar 2.10 or later.' },
  PH_PULSAR_MIGRATED: {
    kind: 'terminal',
    nextStep: 'Set the pipeline up anew on the other cluster: positions mean nothing there.',
  },
  PH_PULSAR_FRAME_TOO_LARGE: {
    kind: 'terminal',
    nextStep: 'Check that the URL names the binary port, and the maximum message size of the broker.',
  },
  PH_PULSAR_ENTRY_TOO_LARGE: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Raise source.maxEntryBytes, or publish smaller messages; to give this entry up, set the offsets to its position.',
  },
  PH_PULSAR_MALFORMED: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Report it with the position: the bytes break the protocol. To give the entry up, set the offsets to its position.',
  },
  PH_PULSAR_CHECKSUM: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Check the bookies for disk faults: the stored bytes are not those that were published. To give the entry up, set the offsets to its position.',
  },
  PH_PULSAR_CODEC_UNKNOWN: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Publish with none, lz4, zlib, zstd or snappy; to give this entry up, set the offsets to its position.',
  },
  PH_PULSAR_ENCRYPTED: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Publish without end-to-end encryption, or leave this topic out; to give this entry up, set the offsets to its position.',
  },
  PH_PULSAR_CHUNKS_INCOMPLETE: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep:
      'Set PULSAR_TRANSPORT=wire, or set the offsets past the unfinished message with `pulsehouse offsets set`, if it may be given up.',
  },
  PH_PULSAR_POSITION_UNKNOWN: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep: 'Find out whether the topic was deleted and created again, or belongs to another cluster.',
  },
  PH_PULSAR_ENTRIES_MISSING: {
    kind: 'terminal',
    halts: 'at-position',
    nextStep: "Find out what removed them: retention, TTL, backlog eviction or somebody's reset.",
  },
  PH_PULSAR_ADMIN_FAILED: {
    kind: 'retryable',
    nextStep: 'Set PULSAR_ADMIN_URL to the web address of the broker: what answers there is something else.',
  },
  PH_PULSAR_NO_ANSWER: { kind: 'retryable', nextStep: 'Check the broker; the next invocation goes on.' },
} as const satisfies Record<`PH_${string}`, CodeEntry>;
