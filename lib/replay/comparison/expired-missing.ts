import type { Sink } from '../../ports/sink.ts';
import type { AbsentMessages, ComparedWindow } from './absent-messages.ts';
import type { Finding } from './findings.ts';

/**
 * The findings with what the table's own TTL took counted as expired and no longer as missing: the messages are read again
 * and the table's expression is asked about them, through the mapping. Without a TTL, or with nothing missing, nothing is read.
 */
export async function withExpired(
  sink: Sink,
  absent: AbsentMessages,
  window: ComparedWindow,
  deadline: number,
): Promise<readonly Finding[]> {
  const { findings } = window;
  const incomplete = new Set(findings.filter(({ missing }) => missing > 0).map(({ where }) => where));
  if (incomplete.size === 0 || !(await sink.hasTtl(deadline))) return findings;
  const expired = await absent.count(window, incomplete, (body) => sink.expiredRows(body, deadline));
  return findings.map((finding) => {
    const count = Math.min(finding.missing, expired.get(finding.where) ?? 0);
    return count === 0
      ? finding
      : { ...finding, missing: finding.missing - count, expired: finding.expired + count };
  });
}
