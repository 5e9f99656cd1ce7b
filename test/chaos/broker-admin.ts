/** The broker lets everybody go who has the topic open, and closes its ledgers. */
export async function unloadTopic(adminUrl: string, topic: string): Promise<void> {
  await ask(adminUrl, 'PUT', topic, 'unload');
}

/** Whether a subscription's cursor stands at the topic's last entry. Asks without a consumer that would be in the way. */
export async function isAllAcknowledged(
  adminUrl: string,
  topic: string,
  subscription: string,
): Promise<boolean> {
  const stats = (await (await ask(adminUrl, 'GET', topic, 'internalStats')).json()) as {
    readonly lastConfirmedEntry: string;
    readonly cursors: Readonly<Record<string, { readonly markDeletePosition: string }>>;
  };
  return stats.cursors[subscription]?.markDeletePosition === stats.lastConfirmedEntry;
}

async function ask(adminUrl: string, method: string, topic: string, what: string): Promise<Response> {
  const response = await fetch(`${adminUrl}/admin/v2/${topic.replace('://', '/')}/${what}`, { method });
  if (!response.ok)
    throw new Error(`Pulsar answered ${response.status} to ${what} of ${topic}: ${await response.text()}`);
  return response;
}
