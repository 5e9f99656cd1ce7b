import type { CreateResult, ObjectStore } from '../../../lib/ports/object-store.ts';
import type { Invocation } from '../invocation.ts';
import type { Link } from '../link.ts';

/** The bucket itself. */
export class Bucket {
  readonly link: Link;
  readonly objects = new Map<string, Uint8Array>();
  onCreated: (key: string, body: Uint8Array) => void = () => {};
  onDeleted: (key: string) => void = () => {};

  constructor(link: Link) {
    this.link = link;
  }

  create(key: string, body: Uint8Array): CreateResult {
    const existing = this.objects.get(key);
    if (existing !== undefined) return { created: false, existing };
    const stored = Uint8Array.from(body);
    this.objects.set(key, stored);
    this.onCreated(key, stored);
    return { created: true };
  }

  /** Past everybody: undefined is gone. */
  damage(key: string, body: Uint8Array | undefined): void {
    if (body === undefined) this.objects.delete(key);
    else this.objects.set(key, body);
  }

  delete(key: string): void {
    if (this.objects.delete(key)) this.onDeleted(key);
  }
}

/** The bucket as one invocation sees it. */
export class SimulatedObjectStore implements ObjectStore {
  private readonly invocation: Invocation;
  private readonly bucket: Bucket;

  constructor(invocation: Invocation, bucket: Bucket) {
    this.invocation = invocation;
    this.bucket = bucket;
  }

  create(key: string, body: Uint8Array, deadline: number): Promise<CreateResult> {
    const copy = Uint8Array.from(body);
    return this.call(`create ${key}`, deadline, () => this.bucket.create(key, copy));
  }

  read(key: string, deadline: number): Promise<Uint8Array | undefined> {
    return this.call(`read ${key}`, deadline, () => this.bucket.objects.get(key));
  }

  list(prefix: string, deadline: number): Promise<readonly string[]> {
    return this.call(`list ${prefix}`, deadline, () =>
      [...this.bucket.objects.keys()].filter((key) => key.startsWith(prefix)).sort(),
    );
  }

  async listAfter(prefix: string, after: string, deadline: number): Promise<readonly string[]> {
    return (await this.list(prefix, deadline)).filter((key) => key > after);
  }

  delete(key: string, deadline: number): Promise<void> {
    return this.call(`delete ${key}`, deadline, () => this.bucket.delete(key));
  }

  private call<T>(operation: string, deadline: number, serve: () => T): Promise<T> {
    return this.invocation.call(this.bucket.link, operation, deadline, serve);
  }
}
