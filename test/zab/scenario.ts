import { formatHex, makeZxid, type ServerId, type Zxid } from '../../src/base/index.ts'
import { PacketKind } from '../../src/zab/messages.ts'
import { RecordKind, Role } from '../../src/zab/outbox.ts'
import { ZabChecker } from './checkers.ts'
import { majorityOf, type QuorumSpec, verifierOf } from './cluster.ts'
import { lastOf } from './disk-image.ts'
import { type Server, World } from './harness.ts'
import { Watchdog } from './watchdog.ts'

/**
 * Runs a script: `set` lines first, then one command a line; `#` begins a comment, test/zab/testdata/README.md has the
 * list. Every script ends with the checkers, and unless it says `end as is` with all faults healed and everybody serving
 * the same state.
 */
export function runScenario(text: string): World {
  return new Scenario(text).run()
}

interface Trigger {
  readonly server: string
  readonly what: string
  readonly kind: number
  readonly command: string
  left: number
}

const ROLES: Readonly<Record<string, Role>> = {
  looking: Role.LOOKING,
  following: Role.FOLLOWING,
  leading: Role.LEADING,
  observing: Role.OBSERVING,
}

class Scenario {
  readonly #settings = new Map<string, string>()
  readonly #lines: { readonly number: number; readonly text: string }[] = []
  readonly #names = new Map<string, Server>()
  readonly #triggers: Trigger[] = []
  readonly #world: World
  readonly #quorum: QuorumSpec
  #healsAtEnd = true
  /** What `sent` and `trace` look at begins here. */
  #mark = { event: 0, trace: 0 }

  constructor(text: string) {
    for (const [index, raw] of text.split('\n').entries()) {
      const line = raw.replace(/(^|\s)#.*/, '').trim()
      if (line === '') continue
      const setting = /^set ([a-z-]+) (.+)$/.exec(line)
      if (setting !== null) this.#settings.set(setting[1]!, setting[2]!)
      else this.#lines.push({ number: index + 1, text: line })
    }
    const voters = this.#number('voters', 3)
    this.#quorum = this.#groups() ?? majorityOf(voters)
    this.#world = new World({
      seed: this.#number('seed', 1),
      voters,
      observers: this.#number('observers', 0),
      quorum: verifierOf(this.#quorum),
      networkMs: this.#number('network', 5),
      diskMs: this.#number('disk', 5),
      readsDisk: this.#settings.has('disk-log'),
      core: {
        historyEntries: this.#number('window', 10_000),
        lastCounter: this.#number('last-counter', 0xffff_fffe),
      },
    })
    this.#world.keepTraces = true
    this.#world.probe = {
      onSent: (server, packet) => this.#fire(server, 'sends', packet.kind),
      onReceiving: (server, packet) => this.#fire(server, 'receives', packet.kind),
      onWritten: (server, record) => this.#fire(server, 'writes', record.kind),
    }
    new Watchdog(this.#world, this.#quorum)
  }

  run(): World {
    for (const { number, text } of this.#lines) {
      try {
        this.#do(text)
      } catch (error) {
        const traces = this.#world.traces.slice(-40).join('\n')
        throw new Error(`line ${number}, "${text}": ${String(error)}\n${traces}`)
      }
    }
    if (this.#healsAtEnd) this.#end()
    new ZabChecker(this.#quorum).check(this.#world.history)
    return this.#world
  }

  #end(): void {
    const world = this.#world
    world.heal()
    world.startAll()
    this.#until('serving', 30_000)
    world.propose(world.leader!)
    this.#until('same', 5000)
  }

  // --- words --------------------------------------------------------------------------------------------------------

  #number(name: string, otherwise: number): number {
    return Number(this.#settings.get(name) ?? otherwise)
  }

  /** `1:1 2:2 / 3:0`: groups of server:weight. */
  #groups(): QuorumSpec | null {
    const text = this.#settings.get('groups')
    if (text === undefined) return null
    return text.split('/').map((group) => {
      const pairs = group.trim().split(/\s+/)
      return new Map(pairs.map((pair) => pair.split(':').map(Number) as [ServerId, number]))
    })
  }

  #server(word: string | undefined): Server {
    const world = this.#world
    const named = this.#names.get(word ?? '')
    if (named !== undefined) return named
    if (word === 'leader' && world.leader !== null) return world.leader
    const server = world.servers[Number(word) - 1]
    if (server === undefined) throw new Error(`no server ${word}`)
    return server
  }

  /** Servers named in a list; all of them for `all`, those that run if nothing is named. */
  #servers(words: readonly string[]): readonly Server[] {
    const { servers } = this.#world
    if (words.length === 0) return servers.filter((server) => server.core !== null)
    return words[0] === 'all' ? servers : words.map((word) => this.#server(word))
  }

  #zxid(word: string | undefined): Zxid {
    const [epoch, counter] = (word ?? '').split(':').map(Number)
    if (epoch === undefined || counter === undefined) throw new Error(`no zxid: ${word}`)
    return makeZxid(epoch, counter)
  }

  // --- commands -----------------------------------------------------------------------------------------------------

  #do(line: string): void {
    const [verb, ...rest] = line.split(/\s+/)
    switch (verb) {
      case 'when':
        this.#when(line)
        break
      case 'name':
        this.#name(rest)
        break
      case 'run':
        this.#world.runFor(Number(rest[0]))
        break
      case 'until':
        this.#until(line.slice(6).replace(/ within \d+$/, ''), Number(rest.at(-1)))
        break
      case 'expect':
        if (!this.#holds(line.slice(7))) throw new Error(`it is not so; ${this.#describe()}`)
        break
      case 'mark':
        this.#mark = { event: this.#world.history.length, trace: this.#world.traces.length }
        break
      case 'forget':
        this.#triggers.length = 0
        break
      case 'end':
        this.#healsAtEnd = false
        break
      default:
        this.#act(verb!, rest)
    }
  }

  /** What happens to servers and to the network. */
  #act(verb: string, rest: readonly string[]): void {
    const world = this.#world
    const [first, second] = rest
    switch (verb) {
      case 'start':
        for (const server of this.#servers(rest)) world.start(server)
        break
      case 'crash':
        for (const server of this.#servers(rest)) world.crash(server)
        break
      case 'propose':
        for (let i = 0; i < Number(first); i += 1) {
          world.propose(this.#server(second ?? 'leader'))
        }
        break
      case 'cut':
        for (const other of rest.slice(1)) world.cut(this.#sid(first), this.#sid(other))
        break
      case 'block':
        world.block(this.#sid(first), this.#sid(second))
        break
      case 'isolate':
        for (const other of world.servers) {
          if (other.sid !== this.#sid(first)) world.cut(this.#sid(first), other.sid)
        }
        break
      case 'connect':
        world.blocked.clear()
        break
      case 'reset':
        world.network.resetLinks(this.#server(first))
        break
      case 'lose-votes':
        world.network.losePeers(this.#server(first))
        break
      case 'pause':
        world.pause(this.#server(first), Number(second))
        break
      case 'ask':
        world.ask(this.#server(first))
        break
      case 'delay':
        world.network.delayMs = Number(first)
        break
      default:
        this.#actOnDisk(verb, rest)
    }
  }

  #actOnDisk(verb: string, rest: readonly string[]): void {
    const world = this.#world
    const [first, second] = rest
    switch (verb) {
      case 'hang':
        this.#server(first).isDiskHung = true
        break
      case 'wake':
        world.wakeDisk(this.#server(first))
        break
      case 'fail':
        this.#server(first).failsNextWrite = true
        break
      case 'disk':
        this.#server(first).diskMs = Number(second)
        break
      case 'leads-alone':
        world.leadAlone(this.#server(first), Number(second))
        break
      case 'installs-take':
        this.#server(first).installMs = Number(second)
        break
      case 'checkpoint':
        for (const server of this.#servers(rest)) world.checkpoint(server)
        break
      case 'purge':
        world.purge(this.#server(first), Infinity)
        break
      case 'snapshots-take':
        world.network.snapshotMs = Number(first)
        break
      case 'preparations-fail':
        world.failures = Number(first)
        break
      default:
        throw new Error(`no such command: ${verb}`)
    }
  }

  #sid(word: string | undefined): ServerId {
    return this.#server(word).sid
  }

  /** `name F follower 2`: a word for the leader, or for the nth follower by id. */
  #name(rest: readonly string[]): void {
    const [name, role, nth] = rest
    const { leader, servers } = this.#world
    const followers = servers.filter((server) => server.role?.role === Role.FOLLOWING)
    const found = role === 'leader' ? leader : followers[Number(nth ?? 1) - 1]
    if (found == null) throw new Error(`there is no ${role}`)
    this.#names.set(name!, found)
  }

  /** `when F receives NEWLEADER 2: crash F`: the second time from now. */
  #when(line: string): void {
    const match = /^when (\w+) (sends|receives|writes) ([A-Z_]+)(?: (\d+))?: (.+)$/.exec(line)
    if (match === null) throw new Error('no such trigger')
    const [, server, what, name, nth, command] = match
    const kinds: Record<string, number> = what === 'writes' ? RecordKind : PacketKind
    const kind = kinds[name!]
    if (kind === undefined) throw new Error(`no such kind: ${name}`)
    const left = Number(nth ?? 1)
    this.#triggers.push({ server: server!, what: what!, kind, command: command!, left })
  }

  #fire(server: Server, what: string, kind: number): void {
    for (const trigger of this.#triggers) {
      if (trigger.what !== what || trigger.kind !== kind || trigger.left === 0) continue
      if (this.#names.get(trigger.server) !== server && trigger.server !== String(server.sid))
        continue
      trigger.left -= 1
      if (trigger.left > 0) continue
      this.#world.trace(`s${server.sid} ${what}: ${trigger.command}`)
      this.#do(trigger.command)
    }
  }

  #until(condition: string, limitMs: number): void {
    if (!(limitMs > 0)) throw new Error('until … within MS')
    const took = this.#world.runUntil(() => this.#holds(condition), limitMs)
    if (took === Infinity) throw new Error(`not so after ${limitMs} ms; ${this.#describe()}`)
  }

  // --- conditions ---------------------------------------------------------------------------------------------------

  #holds(condition: string): boolean {
    const [verb, ...rest] = condition.split(/\s+/)
    if (verb === 'not' || verb === 'no' || verb === 'never') {
      return !this.#holds(condition.slice(verb.length + 1))
    }
    const world = this.#world
    switch (verb) {
      case 'serving':
        return this.#servers(rest).every((server) => server.core?.isServing === true)
      case 'leader':
        return (
          world.leader !== null && (rest[0] === undefined || this.#server(rest[0]) === world.leader)
        )
      case 'role':
        return this.#server(rest[0]).role?.role === ROLES[rest[1]!]
      case 'running':
        return this.#server(rest[0]).core !== null
      case 'together':
        return this.#areTogether(this.#servers(rest))
      case 'same': {
        const hashes = this.#servers(rest).map((server) => server.applied.hash)
        const { leader } = world
        const isEverything = leader === null || leader.log.length === 0
        return new Set(hashes).size === 1 && isEverything
      }
      case 'applied':
        return this.#server(rest[0]).applied.zxid === this.#zxid(rest[1])
      case 'ends':
        return lastOf(this.#server(rest[0]).disk) === this.#zxid(rest[1])
      case 'epoch':
        return this.#server(rest[0]).disk.currentEpoch === Number(rest[1])
      case 'promised':
        return this.#server(rest[0]).disk.acceptedEpoch === Number(rest[1])
      case 'sent':
        return this.#wasSent(rest)
      case 'trace':
        return world.traces.slice(this.#mark.trace).some((line) => line.includes(rest.join(' ')))
      case 'happened':
        return (world.counts.get(rest.join(' ')) ?? 0) > 0
      case 'confirmed':
        return world.confirmations.length === Number(rest[0])
      case 'refused':
        return world.refusals.length === Number(rest[0])
      default:
        throw new Error(`no such condition: ${verb}`)
    }
  }

  /** All serve, with one of them as their leader. */
  #areTogether(servers: readonly Server[]): boolean {
    return servers.every((server) => {
      const leader = server.role?.leader
      return server.core?.isServing === true && servers.some((other) => other.sid === leader)
    })
  }

  /** `sent TRUNC F`: to F (or to anybody) since the last `mark`. */
  #wasSent([kind, to]: readonly string[]): boolean {
    const wanted: number | undefined = (PacketKind as Record<string, number>)[kind!]
    if (wanted === undefined) throw new Error(`no such packet: ${kind}`)
    return this.#world.history
      .slice(this.#mark.event)
      .some(
        (event) =>
          event.kind === 'packet' &&
          event.packet.kind === wanted &&
          (to === undefined || event.to === this.#sid(to)),
      )
  }

  #describe(): string {
    const states = this.#world.servers.map((server) => {
      const role = server.core === null ? 'down' : `role ${server.core.role}`
      const { disk, applied } = server
      const epochs = `epoch ${disk.currentEpoch}/${disk.acceptedEpoch}`
      return `${server.sid}: ${role}, ${epochs}, log ${formatHex(lastOf(disk))}, applied ${formatHex(applied.zxid)}`
    })
    return states.join('; ')
  }
}
