import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePorts } from '../../../../../bench/servers/index.ts'
import { AskedProgram, JavaProgram, type SystemInstall, until } from '../../support/index.ts'

/** Where Solr has its znodes: a chroot, which must be there before. */
export const ROOT = '/solr'

const PROGRAMS = path.join(import.meta.dirname, '../programs')
const SESSION_MS = 20_000
const LOG_LEVEL = '-Dlog4j2.level=INFO'

export interface SolrNode {
  /** As in `/live_nodes`. */
  readonly name: string
  readonly program: JavaProgram
}

export interface SolrShards {
  /** Nodes by name. */
  readonly live: readonly string[]
  /** Replicas that serve, of all shards. */
  readonly active: number
  /** The node that leads each shard, `none` while nobody does. */
  readonly leaders: readonly string[]
}

/** Nodes of SolrCloud as processes of their own, with their files in one folder. */
export class SolrCloud {
  readonly nodes: readonly SolrNode[]
  readonly #classPath: string
  readonly #servers: string

  private constructor(
    install: SystemInstall,
    folder: string,
    servers: string,
    ports: readonly number[],
  ) {
    this.#classPath = install.classPath
    this.#servers = servers
    this.nodes = ports.map((port, i) => {
      const home = path.join(folder, `home-${i + 1}`)
      mkdirSync(home, { recursive: true })
      writeFileSync(path.join(home, 'solr.xml'), solrXml(servers, port))
      const program = new JavaProgram({
        name: `node-${i + 1}`,
        folder,
        classPath: install.classPath,
        mainClass: path.join(PROGRAMS, 'SolrNode.java'),
        args: [home, String(port)],
        javaArguments: [LOG_LEVEL],
      })
      return { name: `127.0.0.1:${port}_solr`, program }
    })
  }

  /** Nothing is started yet. */
  static async make(
    install: SystemInstall,
    folder: string,
    servers: string,
    count: number,
  ): Promise<SolrCloud> {
    return new SolrCloud(install, folder, servers, await freePorts(count))
  }

  /** Starts all; the first node is the overseer. */
  async start(): Promise<void> {
    for (const { program } of this.nodes) {
      program.launch()
      await program.ready('serves', () => program.log.includes('node serves'))
    }
  }

  client(): AskedProgram {
    const source = path.join(PROGRAMS, 'SolrSession.java')
    return new AskedProgram(source, ['-cp', this.#classPath], [this.#servers, ROOT])
  }

  get output(): string {
    return this.nodes.map(({ program }) => program.tail).join('\n')
  }

  /** Lines in which a node says that its session is gone. */
  get troubles(): readonly string[] {
    return this.nodes.flatMap(({ program }) =>
      program.log
        .split('\n')
        .filter((line) => /has expired|session was expired/i.test(line))
        .map((line) => `${program.name}: ${line}`),
    )
  }

  async kill(): Promise<void> {
    await Promise.all(this.nodes.map(async ({ program }) => await program.kill()))
  }
}

export async function shardsOf(client: AskedProgram, collection: string): Promise<SolrShards> {
  const answer = await client.ask(`shards ${collection}`)
  const [, live, active, leaders] = /^live (\S*) active (\d+) leaders (\S+)$/.exec(answer)!
  return { live: live!.split(','), active: Number(active), leaders: leaders!.split(',') }
}

/** Waits until all replicas of a collection serve and each shard has a leader. */
export async function wholeAgain(
  client: AskedProgram,
  collection: string,
  replicas: number,
): Promise<void> {
  await until(`all ${replicas} replicas of ${collection} are active`, async () => {
    const { active, leaders } = await shardsOf(client, collection)
    return active === replicas && !leaders.includes('none')
  })
}

function solrXml(servers: string, port: number): string {
  return `<solr>
  <solrcloud>
    <str name="zkHost">${servers}${ROOT}</str>
    <str name="host">127.0.0.1</str>
    <int name="hostPort">${port}</int>
    <str name="hostContext">solr</str>
    <int name="zkClientTimeout">${SESSION_MS}</int>
  </solrcloud>
</solr>
`
}
