import type { ServerPackage } from './cache.ts';

export const SERVER_NAMES = ['pulsar', 'clickhouse', 'aws', 'dynamodb-local'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** Environment variables that the commands and functions read, by name. */
export type StackEnvironment = Readonly<Record<string, string>>;

/** How one kind of server is had, started and asked whether it is ready. Keeps nothing between calls. */
export interface ServerPlan {
  readonly name: ServerName;
  readonly package: ServerPackage;
  /** What its ports are for, in the order in which `launch` and `environment` are given them. */
  readonly ports: readonly PortPlan[];
  /** Seconds it may take from SIGTERM to its end. */
  readonly grace: number;
  /** @throws PulsehouseError when this machine cannot run it. */
  requirePrerequisites(): Promise<void>;
  /** Writes its configuration below `folder` and answers what to run. */
  launch(place: ServerPlace): Promise<Launch>;
  isReady(ports: readonly number[]): Promise<boolean>;
  /** Says what is wrong when the output since the start shows that it will never get ready and another start may. */
  isStuck?(output: string): boolean;
  environment(ports: readonly number[]): StackEnvironment;
}

export interface PortPlan {
  readonly purpose: string;
  readonly wellKnown: number;
}

export interface ServerPlace {
  /** The package's files. Shared by every stack: nothing is written there. */
  readonly installed: string;
  /** Its own folder: configuration, data and log. */
  readonly folder: string;
  readonly ports: readonly number[];
}

export interface Launch {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Whether the address answers 200 to a GET. */
export async function answersOk(url: string, headers: Record<string, string> = {}): Promise<boolean> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
