import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PulsehouseError } from '../../lib/pipeline/errors.ts';

interface Prerequisite {
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Finds major and minor version in what the command prints. */
  readonly version: RegExp;
  readonly least: readonly [number, number];
  readonly install: string;
}

export const JAVA: Prerequisite = {
  name: 'Java',
  command: 'java',
  arguments: ['-version'],
  version: /version "(\d+)(?:\.(\d+))?/,
  least: [17, 0],
  install: 'apt-get install openjdk-17-jre-headless, brew install openjdk@17, or https://adoptium.net',
};

/** Java with its compiler. */
export const JDK: Prerequisite = {
  ...JAVA,
  name: 'a JDK',
  command: 'javac',
  version: /javac (\d+)(?:\.(\d+))?/,
  install: 'apt-get install openjdk-17-jdk-headless, brew install openjdk@17, or https://adoptium.net',
};

export const MAVEN: Prerequisite = {
  name: 'Maven',
  command: 'mvn',
  arguments: ['-version'],
  version: /Maven (\d+)\.(\d+)/,
  least: [3, 6],
  install: 'apt-get install maven, brew install maven, or https://maven.apache.org/download.cgi',
};

export const PYTHON: Prerequisite = {
  name: 'Python',
  command: 'python3',
  arguments: ['--version'],
  version: /Python (\d+)\.(\d+)/,
  least: [3, 10],
  install: 'apt-get install python3, brew install python@3.11, or https://www.python.org/downloads',
};

export const PIP: Prerequisite = {
  name: 'pip (of python3)',
  command: 'python3',
  arguments: ['-m', 'pip', '--version'],
  version: /pip (\d+)\.(\d+)/,
  least: [20, 3],
  install: 'apt-get install python3-pip, or python3 -m ensurepip',
};

/** @throws PulsehouseError PH_STACK_PREREQUISITE naming what is missing, its version and how to get it. */
export async function require(prerequisite: Prerequisite, neededBy: string): Promise<void> {
  const { name, least, install } = prerequisite;
  const found = await versionOf(prerequisite);
  if (found !== undefined && isAtLeast(found, least)) return;
  const wanted = `${name} ${least[1] === 0 ? least[0] : least.join('.')} or later`;
  const state = found === undefined ? 'is not here' : `is ${found.join('.')} here`;
  throw new PulsehouseError('PH_STACK_PREREQUISITE', `${neededBy} needs ${wanted}, which ${state}.`, {
    nextStep: `Install it (${install}), or bring the server yourself: pulsehouse stack up --help says how.`,
  });
}

async function versionOf(prerequisite: Prerequisite): Promise<readonly [number, number] | undefined> {
  try {
    const { stdout, stderr } = await promisify(execFile)(prerequisite.command, [...prerequisite.arguments]);
    const match = prerequisite.version.exec(stdout + stderr);
    return match ? [Number(match[1]), Number(match[2] ?? 0)] : undefined;
  } catch {
    return undefined;
  }
}

function isAtLeast(found: readonly [number, number], least: readonly [number, number]): boolean {
  return found[0] > least[0] || (found[0] === least[0] && found[1] >= least[1]);
}
