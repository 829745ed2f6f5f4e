import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'

/** An installed Apache ZooKeeper that can be started with `java -cp <classPath>`. */
export interface ApacheInstall {
  /** What is known about the version from the path or jar name, e.g. `3.9.3`. */
  readonly version: string
  readonly classPath: string
}

/** Raised when no Apache ZooKeeper can be found; the message says where was looked and what to do. */
export class ApacheNotFound extends Error {
  override readonly name: string = 'ApacheNotFound'
}

const JAVA_FOLDER = '/usr/share/java'
const DEBIAN_JAR = path.join(JAVA_FOLDER, 'zookeeper.jar')
const LIBRARIES = [
  ...['slf4j-api', 'slf4j-simple', 'jackson-databind', 'jackson-core', 'jackson-annotations'],
  ...['metrics-core', 'commons-cli', 'commons-io', 'snappy-java', 'netty-all', 'netty-handler'],
  ...['netty-common', 'netty-buffer', 'netty-transport', 'netty-codec', 'netty-resolver'],
]

export type ApacheLine = '3.5' | '3.8' | '3.9'

/** What can be started; `zabkeeper` is this project as built in `dist`. */
export type ServerKind = 'zabkeeper' | `apache-${ApacheLine}`

/** Null for ours. */
export function lineOf(kind: ServerKind): ApacheLine | null {
  return kind === 'zabkeeper' ? null : (kind.slice('apache-'.length) as ApacheLine)
}

/**
 * Finds an Apache ZooKeeper of a line, or null.
 * Looks at `ZOOKEEPER_38_CLASSPATH` and its like, then at `/opt/zookeeper-3.8*` and its like, then at Debian's package
 * (3.8).
 */
export function findApache(line: ApacheLine): ApacheInstall | null {
  const classPath = process.env[`ZOOKEEPER_${line.replace('.', '')}_CLASSPATH`]
  if (classPath !== undefined && classPath !== '') {
    return { version: versionIn(classPath) ?? line, classPath: juteFirst(classPath) }
  }
  for (const folder of optFolders(line)) {
    const install = tryInstall(folder)
    if (install !== null) return install
  }
  if (line === '3.8' && existsSync(DEBIAN_JAR)) {
    return {
      version: debianVersion(),
      classPath: `/etc/zookeeper/conf:${DEBIAN_JAR}:${JAVA_FOLDER}/slf4j-simple.jar`,
    }
  }
  return null
}

/**
 * Takes what the user named: an unpacked Apache release (a folder with `lib/*.jar`) or a folder of jars.
 * Throws {@link ApacheNotFound} when it holds no ZooKeeper.
 */
export function apacheAt(folder: string): ApacheInstall {
  const install = tryInstall(folder)
  if (install !== null) return install
  throw new ApacheNotFound(
    `no zookeeper-<version>.jar in ${folder} or ${path.join(folder, 'lib')}: name the unpacked folder of an Apache ZooKeeper release`,
  )
}

/** The first of 3.8 and 3.9 that is installed; throws {@link ApacheNotFound} with instructions. */
export function anyApache(): ApacheInstall {
  const install = findApache('3.8') ?? findApache('3.9')
  if (install !== null) return install
  throw new ApacheNotFound(
    [
      'no Apache ZooKeeper found to compare with. Any of these will do:',
      '  - Debian or Ubuntu: apt-get install zookeeper default-jre-headless',
      '  - unpack apache-zookeeper-3.9.x-bin.tar.gz and give its folder: --apache FOLDER',
      '  - set ZOOKEEPER_38_CLASSPATH or ZOOKEEPER_39_CLASSPATH to a Java class path',
      `looked at: ${DEBIAN_JAR}, /opt/zookeeper-3.8*, /opt/zookeeper-3.9*`,
    ].join('\n'),
  )
}

function tryInstall(folder: string): ApacheInstall | null {
  for (const place of [folder, path.join(folder, 'lib')]) {
    const jars = jarsIn(place)
    const server = jars.find((name) => /^zookeeper-\d[\w.-]*\.jar$/.test(name))
    if (server === undefined) continue
    const own = jars.map((name) => path.join(place, name))
    // A release brings its libraries; a bare pair of jars takes the system's.
    const system = jars.length > 5 ? [] : LIBRARIES.map((name) => `${JAVA_FOLDER}/${name}.jar`)
    return {
      version: versionIn(server) ?? 'unknown',
      classPath: juteFirst([...own, ...system].join(':')),
    }
  }
  return null
}

/**
 * Debian's jars name each other in their manifests, and a jar found that way comes before the rest of the class path:
 * an older `zookeeper-jute.jar` would take the place of the right one unless that one is first.
 */
function juteFirst(classPath: string): string {
  const isJute = (entry: string): boolean => path.basename(entry).startsWith('zookeeper-jute')
  const entries = classPath.split(':')
  return [...entries.filter(isJute), ...entries.filter((entry) => !isJute(entry))].join(':')
}

function jarsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.jar'))
  } catch {
    return []
  }
}

function optFolders(line: string): string[] {
  try {
    return readdirSync('/opt')
      .filter((name) => /zookeeper/.test(name) && name.includes(`-${line}`))
      .map((name) => path.join('/opt', name))
      .filter((folder) => statSync(folder).isDirectory())
  } catch {
    return []
  }
}

function debianVersion(): string {
  const named = jarsIn(JAVA_FOLDER).find((name) => /^zookeeper-\d/.test(name))
  return (named === undefined ? undefined : versionIn(named)) ?? '3.8'
}

function versionIn(text: string): string | undefined {
  return /zookeeper-(\d+\.\d+\.\d+)/.exec(text)?.[1]
}
