/**
 * Whether NO_PROXY spares a URL the proxy: `*`, or names and addresses with commas between, each the host itself or a
 * domain above it, with a port where only that one is meant.
 */
export function isSparedProxy({ hostname, port, protocol }: URL, noProxy: string | undefined): boolean {
  const host = hostname.replaceAll(/[[\]]/g, '');
  const ownPort = port === '' && protocol === 'https:' ? '443' : port;
  return (noProxy ?? '')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry.replaceAll(/[[\]]/g, '')) ?? [];
      if (entry.split(':').length > 2) return entry.replaceAll(/[[\]]/g, '') === host;
      if (onlyPort !== undefined && onlyPort !== ownPort) return false;
      const domain = name.replace(/^\*?\./, '').toLowerCase();
      return host === domain || host.endsWith(`.${domain}`);
    });
}
