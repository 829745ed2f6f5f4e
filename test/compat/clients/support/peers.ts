import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { findApache, PROJECT_FOLDER } from '../../../../bench/servers/index.ts'
import { runProgram } from './programs.ts'

/** A foreign client or tool: where it is, or why it cannot be used. */
export type Peer<T> =
  | { readonly found: T; readonly missing: null }
  | { readonly found: null; readonly missing: string }

/**
 * True when tests that need the peer must be skipped. Says so once; with `ZABKEEPER_REQUIRE_PEERS=1`
 * a missing peer is a failure instead.
 */
export function skipWithout<T>(peer: Peer<T>): boolean {
  if (peer.missing === null) return false
  if (process.env['ZABKEEPER_REQUIRE_PEERS'] === '1') {
    throw new Error(`${peer.missing} (required by ZABKEEPER_REQUIRE_PEERS=1)`)
  }
  console.warn(`skipped: ${peer.missing}`)
  return true
}

const ZK_CLI = '/usr/share/zookeeper/bin/zkCli.sh'
const C_CLI = '/usr/lib/zookeeper/bin/cli_mt'
const C_HEADER = '/usr/include/zookeeper/zookeeper.h'
const CURATOR = ['curator-recipes', 'curator-framework', 'curator-client', 'guava']

/** The command-line client of Apache ZooKeeper. */
export function zkCli(): Peer<string> {
  return existsSync(ZK_CLI)
    ? found(ZK_CLI)
    : missing(`${ZK_CLI} is missing (Debian: apt-get install zookeeper)`)
}

/** The command-line client in C. */
export function cCli(): Peer<string> {
  return existsSync(C_CLI)
    ? found(C_CLI)
    : missing(`${C_CLI} is missing (Debian: apt-get install zookeeper-bin)`)
}

/** A C compiler with the header and library of the C client. */
export async function cCompiler(): Promise<Peer<string>> {
  if (!existsSync(C_HEADER)) {
    return missing(`${C_HEADER} is missing (Debian: apt-get install libzookeeper-mt-dev)`)
  }
  const works = await runs('gcc', ['--version'])
  return works ? found('gcc') : missing('gcc is missing')
}

/** A Python that can import kazoo. */
export async function kazoo(): Promise<Peer<string>> {
  for (const python of ['python3', '/usr/bin/python3']) {
    if (await runs(python, ['-c', 'import kazoo'])) return found(python)
  }
  return missing('kazoo is missing (Debian: apt-get install python3-kazoo; or pip install kazoo)')
}

/** Class path of the Java client; `java` must be able to run single source files (a JDK). */
export async function javaClient(): Promise<Peer<string>> {
  const install = findApache('3.9') ?? findApache('3.8')
  if (install === null)
    return missing('no Apache ZooKeeper jar (Debian: apt-get install zookeeper)')
  if (!(await runs('javac', ['-version']))) {
    return missing('javac is missing (Debian: apt-get install default-jdk-headless)')
  }
  return found(install.classPath)
}

/** Class path of Curator's recipes with the Java client they were built for. */
export async function curator(): Promise<Peer<string>> {
  const jars = CURATOR.map((name) => `/usr/share/java/${name}.jar`)
  const absent = jars.find((jar) => !existsSync(jar))
  if (absent !== undefined) {
    return missing(`${absent} is missing (Debian: apt-get install libcurator-recipes-java)`)
  }
  const install = findApache('3.8') ?? findApache('3.9')
  if (install === null)
    return missing('no Apache ZooKeeper jar (Debian: apt-get install zookeeper)')
  if (!(await runs('javac', ['-version']))) {
    return missing('javac is missing (Debian: apt-get install default-jdk-headless)')
  }
  return found([...jars, install.classPath].join(':'))
}

/** The same with the recipes that Apache ZooKeeper itself has. */
export async function javaRecipes(): Promise<Peer<string>> {
  const own = ['lock', 'election'].map((name) => `/usr/share/java/zookeeper-recipes-${name}.jar`)
  const absent = own.find((jar) => !existsSync(jar))
  if (absent !== undefined) {
    return missing(`${absent} is missing (Debian: apt-get install libzookeeper-java)`)
  }
  const rest = await curator()
  return rest.missing === null ? found([...own, rest.found].join(':')) : rest
}

/**
 * The npm package `zookeeper`, which compiles the C client. It is no dependency of the project:
 * `npm install --prefix node_modules/.cache/npm-zookeeper zookeeper@7.3.0` puts it where this looks.
 */
export function npmZookeeper(): Peer<NodeJS.Require> {
  const folder =
    process.env['ZABKEEPER_NPM_ZOOKEEPER'] ??
    path.join(PROJECT_FOLDER, 'node_modules/.cache/npm-zookeeper')
  const require = createRequire(path.join(folder, 'package.json'))
  try {
    require('zookeeper')
    return found(require)
  } catch {
    const command = 'npm install --prefix node_modules/.cache/npm-zookeeper zookeeper@7.3.0'
    return missing(`npm package zookeeper does not load from ${folder} (${command})`)
  }
}

function found<T>(value: T): Peer<T> {
  return { found: value, missing: null }
}

function missing<T>(reason: string): Peer<T> {
  return { found: null, missing: reason }
}

async function runs(command: string, args: readonly string[]): Promise<boolean> {
  return (await runProgram(command, args).catch(() => ({ code: -1 }))).code === 0
}
