/** Creates a partitioned topic; one that is there stays. `adminUrl` as PULSAR_ADMIN_URL gives it. */
export async function createTopic(adminUrl: string, topic: string, partitions: number): Promise<void> {
  const path = topic.replace('persistent://', 'persistent/');
  const response = await fetch(`${adminUrl}/admin/v2/${path}/partitions`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: String(partitions),
  });
  if (response.ok || response.status === 409) return;
  throw new Error(`Pulsar answered ${response.status} to the creation of ${topic}: ${await response.text()}`);
}
