import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ConnectionLost, Op, setBody, WireClient } from '../client/index.ts'
import type { ApacheInstall, ServerKind } from './apache.ts'
import { fourLetterWord } from './four-letter-word.ts'
import { freePorts } from './free-ports.ts'
import { type ExitStatus, pause, ServerProcess } from './server-process.ts'

export interface MemberSpec {
  readonly kind: ServerKind
  readonly role?: 'observer' | 'participant'
  /** Where it listens, 127.0.0.1 unless given. */
  readonly host?: string
  /** More addresses for the other servers, which come first in its line; for `multiAddress.enabled`. */
  readonly hostsBefore?: readonly string[]
  /** Put before its command, e.g. `['ip', 'netns', 'exec', …]`. */
  readonly wrapper?: readonly string[]
  /** More lines of this member's `zoo.cfg`. */
  readonly config?: readonly string[]
}

export interface EnsembleOptions {
  /** Each member gets a folder in it. */
  readonly folder: string
  /** Server numbers 1, 2, … in this order. */
  readonly members: readonly MemberSpec[]
  readonly tickTime?: number
  /** More lines of every `zoo.cfg`; keys in {@link SYSTEM_PROPERTIES} reach Java as `-D`. */
  readonly config?: readonly string[]
  /** Arguments of `java`; small and quick to start unless given. */
  readonly javaArguments?: readonly string[]
  /** Takes the place of the installed Apache. */
  readonly apache?: ApacheInstall
}

/** What a member is doing, as `srvr` says it; null while it serves nobody. */
export type Mode = 'follower' | 'leader' | 'observer' | 'read-only'

/** Keys of zoo.cfg that Apache reads as system properties only. */
const SYSTEM_PROPERTIES =
  /^(?:jute\.maxbuffer|readonlymode\.enabled|zookeeper\.multiAddress\.\w+|znode\.container\.\w+)=/

/** `ZABKEEPER_JVM_ARGUMENTS` adds to it, e.g. `-Dorg.slf4j.simpleLogger.defaultLogLevel=info`. */
const JVM = [
  ...['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  // A stack trace for every client that is turned away hides everything else.
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=error',
  // Says how it synchronized with its leader.
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.quorum.Learner=info',
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.quorum.LearnerHandler=info',
  ...(process.env['ZABKEEPER_JVM_ARGUMENTS'] ?? '').split(' ').filter((part) => part !== ''),
]
const POLL_MS = 100
const NOT_SERVING: ReadonlySet<Mode | null> = new Set(['read-only', null])

/** Servers on the loopback interface that form one ensemble; kinds may be mixed, and change while it runs. */
export class Ensemble {
  readonly members: readonly EnsembleMember[]
  /** The lines `server.N=…` of every `zoo.cfg`. */
  readonly serverLines: readonly string[]

  private constructor(members: readonly EnsembleMember[], serverLines: readonly string[]) {
    this.members = members
    this.serverLines = serverLines
  }

  /** Nothing is started yet. */
  static async make(options: EnsembleOptions): Promise<Ensemble> {
    const { folder, members, config = [] } = options
    const ports = await freePorts(members.length * 3)
    const lines = members.map((spec, i) => {
      const [quorum, election] = [ports[3 * i + 1], ports[3 * i + 2]]
      const role = spec.role ?? 'participant'
      const host = spec.host ?? '127.0.0.1'
      const hosts = [...(spec.hostsBefore ?? []), host]
      const addresses = hosts.map((one) => `${one}:${quorum}:${election}`).join('|')
      return `server.${i + 1}=${addresses}:${role};${host}:${ports[3 * i]}`
    })
    const common = ['initLimit=20', 'syncLimit=5', 'standaloneEnabled=false', ...config, ...lines]
    return new Ensemble(
      members.map((spec, i) => {
        const own = [...common, ...(spec.config ?? [])]
        if (spec.role === 'observer') own.push('peerType=observer')
        const place = path.join(folder, String(i + 1))
        const [port, quorum, election] = ports.slice(3 * i) as [number, number, number]
        return new EnsembleMember(i + 1, spec, place, { port, quorum, election }, own, options)
      }),
      lines,
    )
  }

  member(id: number): EnsembleMember {
    const member = this.members[id - 1]
    if (member === undefined) throw new Error(`there is no server ${id}`)
    return member
  }

  get ports(): readonly number[] {
    return this.members.map(({ port }) => port)
  }

  /** Starts all members at once and waits until each of them serves. */
  async start(): Promise<void> {
    for (const member of this.members) member.launch()
    await this.ready()
  }

  /** Waits until every member that runs serves. */
  async ready(): Promise<void> {
    for (const member of this.members) if (member.running) await member.ready()
  }

  /** The one that leads; waits for it. */
  async leader(timeoutMs: number = 60_000): Promise<EnsembleMember> {
    const limit = Date.now() + timeoutMs
    for (;;) {
      for (const member of this.members) {
        if (member.running && (await member.mode()) === 'leader') return member
      }
      if (Date.now() > limit) throw new Error(`nobody leads\n${this.output}`)
      await pause(POLL_MS)
    }
  }

  /** Has others restarted until the server with this number leads; all serve then. */
  async makeLead(id: number): Promise<void> {
    for (let i = 0; i < 10; i++) {
      const leader = await this.leader()
      if (leader.id === id) {
        await this.ready()
        return
      }
      await this.settle()
      await leader.kill()
      await this.leader()
      await leader.start()
    }
    throw new Error(`server ${id} does not come to lead\n${this.output}`)
  }

  /**
   * Has all members that run apply the same last transaction, after whatever was answered before. An Apache leader gives
   * those that join first the state before its epoch, and later ones that of the epoch: without a write the later ones
   * would win every election. It also answers reads of its own clients, behind a sync too, before it has applied what
   * a follower has answered.
   */
  async settle(timeoutMs: number = 60_000): Promise<void> {
    const limit = Date.now() + timeoutMs
    for (;;) {
      await this.ready()
      try {
        const zxid = await write(await this.leader())
        for (const member of this.members) if (member.running) await member.reach(zxid)
        return
      } catch (error) {
        // The leader may have been lost just now.
        if (!(error instanceof ConnectionLost) || Date.now() > limit) throw error
      }
      await pause(POLL_MS)
    }
  }

  /** The last of what every member wrote. */
  get output(): string {
    return this.members.map(({ id, kind, output }) => `--- ${id} ${kind}\n${output}`).join('\n')
  }

  async kill(): Promise<void> {
    await Promise.all(this.members.map(async (member) => await member.kill()))
  }
}

/** Where clients find a server. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** One server of an ensemble. Its folder and ports stay while processes come and go. */
export class EnsembleMember implements Endpoint {
  readonly id: number
  readonly host: string
  readonly port: number
  /** For learners, and for elections. */
  readonly peerPorts: readonly [quorum: number, election: number]
  readonly folder: string
  kind: ServerKind
  readonly #wrapper: readonly string[]
  readonly #config: readonly string[]
  readonly #options: EnsembleOptions
  #process: ServerProcess | null = null

  constructor(
    id: number,
    spec: MemberSpec,
    folder: string,
    ports: { readonly port: number; readonly quorum: number; readonly election: number },
    config: readonly string[],
    options: EnsembleOptions,
  ) {
    this.id = id
    this.kind = spec.kind
    this.host = spec.host ?? '127.0.0.1'
    this.#wrapper = spec.wrapper ?? []
    this.folder = folder
    this.port = ports.port
    this.peerPorts = [ports.quorum, ports.election]
    this.#config = config
    this.#options = options
  }

  get running(): boolean {
    return this.#process?.running ?? false
  }

  get pid(): number {
    return this.#process!.pid
  }

  get output(): string {
    const output = this.#process?.output ?? ''
    return output.slice(-4000)
  }

  get wholeOutput(): string {
    return this.#process?.output ?? ''
  }

  /** Where this kind keeps its data: the two kinds have formats of their own. */
  get dataDir(): string {
    return path.join(this.folder, this.kind === 'zabkeeper' ? 'zabkeeper' : 'apache')
  }

  /** Starts a process without waiting for anything. */
  launch(): void {
    const { dataDir } = this
    mkdirSync(dataDir, { recursive: true })
    writeFileSync(path.join(dataDir, 'myid'), `${this.id}\n`)
    const properties = this.#config.filter((line) => SYSTEM_PROPERTIES.test(line))
    const isOurs = this.kind === 'zabkeeper'
    const { tickTime = 1000, apache, javaArguments = JVM } = this.#options
    const java = [...javaArguments, ...properties.map((line) => `-D${line}`)]
    this.#process = new ServerProcess({
      kind: this.kind,
      folder: this.folder,
      host: this.host,
      port: this.port,
      wrapper: this.#wrapper,
      dataDir,
      tickTime,
      config: this.#config,
      runtimeArguments: isOurs ? [] : java,
      ...(apache === undefined ? {} : { apache }),
    })
    this.#process.launch()
  }

  async start(): Promise<void> {
    this.launch()
    await this.ready()
  }

  /** Waits until this member has a role and serves clients. */
  async ready(timeoutMs: number = 90_000): Promise<void> {
    const limit = Date.now() + timeoutMs
    while (NOT_SERVING.has(await this.mode())) {
      if (!this.running) throw new Error(`server ${this.id} ended while starting:\n${this.output}`)
      if (Date.now() > limit) {
        throw new Error(`server ${this.id} (${this.kind}) serves nobody:\n${this.output}`)
      }
      await pause(POLL_MS)
    }
  }

  async mode(): Promise<Mode | null> {
    const answer = await this.#ask('srvr')
    return (
      (/^Mode: (follower|leader|observer|read-only)$/m.exec(answer)?.[1] as Mode | undefined) ??
      null
    )
  }

  /** Its mode, from one that serves or is about to: asked again where a busy machine was late with the answer. */
  async role(timeoutMs: number = 60_000): Promise<Mode> {
    return await this.#told('has no role', timeoutMs, async () => await this.mode())
  }

  /** Last zxid that it has applied. */
  async zxid(timeoutMs: number = 60_000): Promise<bigint> {
    const applied = await this.#told('has no zxid', timeoutMs, async () => {
      return /^Zxid: (0x[\da-f]+)$/m.exec(await this.#ask('srvr'))?.[1] ?? null
    })
    return BigInt(applied)
  }

  /** Waits until this member has applied a transaction. */
  async reach(zxid: bigint, timeoutMs: number = 60_000): Promise<void> {
    const limit = Date.now() + timeoutMs
    for (;;) {
      if ((await this.zxid(timeoutMs)) >= zxid) return
      if (Date.now() > limit) {
        throw new Error(
          `server ${this.id} does not come to 0x${zxid.toString(16)}:\n${this.output}`,
        )
      }
      await pause(POLL_MS)
    }
  }

  /**
   * A number or word of `mntr`, e.g. `zk_digest_mismatches_count`; null when it has no such line. Waits until this
   * member serves.
   */
  async monitor(key: string, timeoutMs: number = 60_000): Promise<string | null> {
    const lines = await this.#told('says no mntr', timeoutMs, async () => {
      const all = (await this.#ask('mntr')).split('\n')
      return all.some((one) => one.startsWith('zk_server_state\t')) ? all : null
    })
    return lines.find((one) => one.startsWith(`${key}\t`))?.slice(key.length + 1) ?? null
  }

  /** Asks again while what it says is null. */
  async #told<T>(lack: string, timeoutMs: number, ask: () => Promise<T | null>): Promise<T> {
    const limit = Date.now() + timeoutMs
    for (;;) {
      const answer = await ask()
      if (answer !== null) return answer
      if (Date.now() > limit) throw new Error(`server ${this.id} ${lack}:\n${this.output}`)
      await pause(POLL_MS)
    }
  }

  /** The answer to a four-letter word, empty when there is none just now. */
  async #ask(word: string): Promise<string> {
    return await fourLetterWord(this.port, word, 2000, this.host).catch(() => '')
  }

  signal(name: NodeJS.Signals): void {
    this.#process?.signal(name)
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async stop(): Promise<ExitStatus | null> {
    return (await this.#process?.stop()) ?? null
  }
}

/** Changes the root, and has the zxid of the last transaction of this: the end of the session. */
async function write({ host, port }: Endpoint): Promise<bigint> {
  const client = await WireClient.open({ host, port })
  const { err } = await client.request(Op.setData, setBody('/', '', -1))
  if (err !== 0) throw new Error(`a write on port ${port} answered ${err}`)
  await client.close()
  return client.lastZxid
}
