import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePorts } from '../../../../../bench/servers/index.ts'
import { JavaProgram, type SystemInstall, until } from '../../support/index.ts'
import { HBaseClient } from './hbase-client.ts'

/** Longer than any pause of a busy machine; the longest that servers with a tick of 1 s grant. */
export const SESSION_MS = 20_000

/** What Java closed to others after HBase was written. */
const OPENED = [
  ...['java.lang', 'java.lang.reflect', 'java.nio', 'java.util', 'java.util.concurrent'],
  ...['jdk.internal.ref', 'sun.nio.ch'],
].flatMap((name) => ['--add-opens', `java.base/${name}=ALL-UNNAMED`])

const LOG = [
  'log4j.rootLogger=INFO, out',
  'log4j.appender.out=org.apache.log4j.ConsoleAppender',
  'log4j.appender.out.target=System.err',
  'log4j.appender.out.layout=org.apache.log4j.PatternLayout',
  'log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %-5p [%t] %c{2}: %m%n',
]

export interface HBaseOptions {
  readonly install: SystemInstall
  readonly folder: string
  /** The ensemble, `host:port,…`. */
  readonly servers: string
  /** Where HBase has its znodes, `/hbase` unless given. */
  readonly znode?: string
  readonly masters: number
  readonly regionServers: number
}

/** A master or a region server, which the others know by its port. */
export interface HBaseServer {
  readonly port: string
  readonly program: JavaProgram
}

/** Masters and region servers as processes of their own, with their files in one folder. */
export class HBaseCluster {
  readonly options: HBaseOptions
  readonly masters: readonly HBaseServer[]
  readonly regionServers: readonly HBaseServer[]
  readonly #conf: string

  private constructor(options: HBaseOptions, ports: readonly number[]) {
    this.options = options
    this.#conf = path.join(options.folder, 'conf')
    const make = (port: number, name: string, role: string, className: string): HBaseServer => ({
      port: String(port),
      program: new JavaProgram({
        name,
        folder: options.folder,
        classPath: this.#classPath,
        mainClass: `org.apache.hadoop.hbase.${className}`,
        args: ['-D', `hbase.${role}.port=${port}`, 'start'],
        javaArguments: OPENED,
      }),
    })
    this.masters = ports
      .slice(0, options.masters)
      .map((port, i) => make(port, `master-${i + 1}`, 'master', 'master.HMaster'))
    this.regionServers = ports
      .slice(options.masters)
      .map((port, i) =>
        make(port, `region-server-${i + 1}`, 'regionserver', 'regionserver.HRegionServer'),
      )
  }

  /** Nothing is started yet. */
  static async make(options: HBaseOptions): Promise<HBaseCluster> {
    const cluster = new HBaseCluster(
      options,
      await freePorts(options.masters + options.regionServers),
    )
    mkdirSync(cluster.#conf, { recursive: true })
    writeFileSync(path.join(cluster.#conf, 'hbase-site.xml'), cluster.#site())
    writeFileSync(path.join(cluster.#conf, 'log4j.properties'), `${LOG.join('\n')}\n`)
    return cluster
  }

  get programs(): readonly JavaProgram[] {
    return [...this.masters, ...this.regionServers].map(({ program }) => program)
  }

  /** What `hbase.client` calls a cluster key. */
  get key(): string {
    return `${this.options.servers}:${this.#znode}`
  }

  /** Starts all; the first master is the active one. */
  async start(): Promise<void> {
    const [first, ...others] = this.masters
    first!.program.launch()
    await first!.program.ready('is the active master', () =>
      first!.program.log.includes('Registered as active master'),
    )
    for (const { program } of [...others, ...this.regionServers]) program.launch()
    await first!.program.ready('has all it needs', () =>
      first!.program.log.includes('Master has completed initialization'),
    )
  }

  /** A client of its own process, which is compiled first. */
  client(): HBaseClient {
    return new HBaseClient([...OPENED, '-cp', this.#classPath])
  }

  /** Waits until all masters and region servers that run are known, and no region is on its way. */
  async settled(client: HBaseClient): Promise<void> {
    const ports = (servers: readonly HBaseServer[]): string[] =>
      servers.filter(({ program }) => program.running).map(({ port }) => port)
    await until('masters and region servers are known', async () => {
      const { master, backups, live, transitions } = await client.status()
      const masters = [master, ...backups].toSorted()
      return (
        transitions === 0 &&
        String(masters) === String(ports(this.masters).toSorted()) &&
        String(live.toSorted()) === String(ports(this.regionServers).toSorted())
      )
    })
  }

  /** Lines in which a server says that it gives up, or that its session is gone. */
  get troubles(): readonly string[] {
    return this.programs.flatMap(({ name, log }) =>
      log
        .split('\n')
        .filter((line) => /ABORTING|(?:has|received) expired/.test(line))
        .map((line) => `${name}: ${line}`),
    )
  }

  get output(): string {
    return this.programs.map(({ tail }) => tail).join('\n')
  }

  async kill(): Promise<void> {
    await Promise.all(this.programs.map(async (program) => await program.kill()))
  }

  get #znode(): string {
    return this.options.znode ?? '/hbase'
  }

  get #classPath(): string {
    return `${this.#conf}:${this.options.install.classPath}`
  }

  #site(): string {
    const { folder, servers } = this.options
    const properties: Readonly<Record<string, string>> = {
      'hbase.cluster.distributed': 'true',
      'hbase.rootdir': `file://${folder}/data`,
      'hbase.tmp.dir': `${folder}/tmp`,
      // The file system that is not checked twice knows `hsync`: what is acknowledged survives `kill -9`.
      'fs.file.impl': 'org.apache.hadoop.fs.RawLocalFileSystem',
      'hbase.wal.provider': 'filesystem',
      'hbase.zookeeper.quorum': servers,
      'zookeeper.znode.parent': this.#znode,
      'zookeeper.session.timeout': String(SESSION_MS),
      'hbase.master.hostname': 'localhost',
      'hbase.regionserver.hostname': 'localhost',
      'hbase.master.info.port': '-1',
      'hbase.regionserver.info.port': '-1',
    }
    const lines = Object.entries(properties).map(
      ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
    )
    return `<configuration>\n${lines.join('\n')}\n</configuration>\n`
  }
}
