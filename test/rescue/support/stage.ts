import type { ServerId } from '../../../src/base/index.ts'
import {
  type Config,
  DEFAULT_LIMITS,
  defaultConfig,
  type MemberConfig,
} from '../../../src/config/index.ts'
import { raiseEpoch } from '../../../src/rescue/index.ts'
import { KeeperServer, ReplicatedState } from '../../../src/server/index.ts'
import { storageOptions } from '../../../src/server/storage-options.ts'
import { type Call, type ClientHost, SimClient } from '../../../src/sim/clients/index.ts'
import { type SimEnvironment, type SimHost, SimRandom, SimWorld } from '../../../src/sim/index.ts'
import { inspectLog, type LogFacts, openStorage } from '../../../src/storage/index.ts'
import { ErrorCode, OpCode, toByteString } from '../../../src/wire/index.ts'
import { DataTree, OPEN_ACL } from '../../../src/znodes/index.ts'

const KIB = 1024
const WAIT_MS = 120_000
const TICK_MS = 500
const NO_EVENTS = { created: () => {}, deleted: () => {}, dataChanged: () => {} }
const encoder = new TextEncoder()

/** Machines on which servers run with whatever list of servers they are given, and a client that writes. */
export class Stage {
  readonly world: SimWorld
  readonly random: SimRandom
  /** Log lines, for a test that fails. */
  readonly log: string[] = []
  readonly #hosts: readonly SimHost[]
  readonly #servers = new Map<number, KeeperServer>()
  #clients = 0

  constructor(seed: number, servers: number) {
    this.random = new SimRandom(seed ^ 0x5eed)
    this.world = new SimWorld(seed, { latencyMsMin: 0.05, latencyMsMax: 1 })
    const ids = Array.from({ length: servers }, (_, index) => index + 1)
    this.#hosts = ids.map((id) => this.world.addHost({ name: `s${id}`, address: `10.0.0.${id}` }))
  }

  server(id: number): KeeperServer {
    return this.#servers.get(id)!
  }

  host(id: number): SimHost {
    return this.#hosts[id - 1]!
  }

  /** Starts the servers `ids` that believe in an ensemble of `members`. One alone runs standalone. */
  start(ids: readonly number[], members: readonly number[] = ids): void {
    for (const id of ids) {
      this.host(id).start((env) => {
        const server = new KeeperServer(
          env,
          {
            config: configOf(id, members),
            fourLetterWords: { recognize: () => null, answer: () => '' },
            metrics: env.metrics,
          },
          {
            onServing: () => {},
            onFatal: (error) => {
              throw error
            },
          },
        )
        this.#servers.set(id, server)
        server.start()
      })
    }
  }

  /** `kill -9`. */
  kill(ids: readonly number[]): void {
    for (const id of ids) {
      this.host(id).crash()
      this.#servers.delete(id)
    }
  }

  /** Waits until all of them serve. */
  serving(ids: readonly number[]): void {
    this.until(`${ids} serve`, () => ids.every((id) => this.#servers.get(id)?.isServing === true))
  }

  until(what: string, isDone: () => boolean): void {
    const endMs = this.world.nowMs + WAIT_MS
    while (!isDone()) {
      if (this.world.nowMs > endMs) throw new Error(`waited ${WAIT_MS} ms for: ${what}`)
      this.world.events.step()
    }
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.world.nowMs + ms)
  }

  /** A client of these servers creates znodes; returns the paths that were acknowledged. */
  write(ids: readonly number[], prefix: string, count: number): string[] {
    const client = this.#client(ids)
    const paths: string[] = []
    for (let i = 0; i < count; i++) {
      const path = `/${prefix}-${i}`
      let answered: Call | null = null
      const data = toByteString(encoder.encode(prefix))
      const operation = {
        type: OpCode.create,
        path,
        data,
        acl: OPEN_ACL,
        flags: 0,
        ttl: 0n,
      } as const
      client.request(operation, {
        onReply: (call) => {
          answered = call
        },
      })
      client.flush()
      this.until(`${path} is answered`, () => answered !== null)
      if ((answered as Call | null)!.answer?.err === ErrorCode.ok) paths.push(path)
    }
    client.stop()
    return paths
  }

  /** A server proposes writes that nobody else ever hears of. */
  writeUnheard(id: number, prefix: string, count: number): void {
    const client = this.#client([id])
    this.until('connected', () => client.isReady)
    const own = this.host(id).address
    for (const { address } of this.#hosts) {
      if (address === own) continue
      this.world.network.cut(own, address)
      this.world.network.cut(address, own)
    }
    for (let i = 0; i < count; i++) {
      const path = `/${prefix}-${i}`
      const operation = {
        type: OpCode.create,
        path,
        data: null,
        acl: OPEN_ACL,
        flags: 0,
        ttl: 0n,
      } as const
      client.request(operation, { onReply: () => {} })
    }
    client.flush()
    this.runFor(100)
    client.stop()
    this.world.network.heal()
  }

  inspect(id: number): LogFacts {
    return this.#program(id, (env, done: (facts: LogFacts) => void) => {
      inspectLog(env, '/data', (error, facts) => {
        if (error !== null) throw error
        done(facts!)
      })
    })
  }

  raise(id: number, epoch: number): void {
    const { lastZxid } = this.inspect(id)
    this.#program(id, (env, done: (value: true) => void) => {
      raiseEpoch(
        env,
        { storage: storageOptions(configOf(id, [id])), epoch, lastZxid },
        () => {},
        (error) => {
          if (error !== null) throw error
          done(true)
        },
      )
    })
  }

  /** What a rescue must not be: the history goes on where it was. */
  raiseEpochsOnly(id: number, epoch: number): void {
    this.#program(id, (env, done: (value: true) => void) => {
      const options = { ...storageOptions(configOf(id, [1, 2, 3])), tailEntries: 0 }
      const state = new ReplicatedState(new DataTree(NO_EVENTS, { extendedTypesEnabled: true }))
      const fail = (error: Error): never => {
        throw error
      }
      openStorage(env, options, state, { onDurable: () => {}, onFatal: fail }, (error, storage) => {
        if (error !== null) fail(error)
        storage!.setAcceptedEpoch(epoch, () => {})
        storage!.setCurrentEpoch(epoch, () => storage!.close(() => done(true)))
      })
    })
  }

  /** Begins to raise the epoch; the process dies at the durable write number `writes`, or comes to its end. */
  raiseAndDie(id: number, epoch: number, writes: number, how: 'crash' | 'powerLoss'): boolean {
    const { lastZxid } = this.inspect(id)
    const host = this.host(id)
    let isDone = false
    host.start((env) => {
      raiseEpoch(
        env,
        { storage: storageOptions(configOf(id, [id])), epoch, lastZxid },
        () => {},
        (error) => {
          isDone = error === null
        },
      )
    })
    host.crashAfter(writes, how)
    this.until('it ends or dies', () => isDone || (!host.hasProcess && host.state !== 'starting'))
    if (isDone) {
      host.disk.crashAfter(Number.POSITIVE_INFINITY, () => {})
      host.exit()
    }
    return isDone
  }

  #client(ids: readonly number[]): SimClient {
    const number = ++this.#clients
    const host = this.world.addHost({ name: `c${number}`, address: `10.1.0.${number}` })
    let client: SimClient | null = null
    host.start((env) => {
      const servers = ids.map((id) => ({
        server: id as ServerId,
        host: this.host(id).address,
        port: 2181,
      }))
      const options = {
        number,
        name: `c${number}`,
        servers,
        timeoutMs: 10_000,
        backoffMsMax: 200,
        firstXid: 1,
        usesOldSetWatches: false,
        auths: [],
      }
      client = new SimClient(env, options, QUIET)
      client.start()
    })
    this.until('the client is connected', () => client?.isReady === true)
    return client!
  }

  #program<T>(id: number, run: (env: SimEnvironment, done: (value: T) => void) => void): T {
    const host = this.host(id)
    let result: { readonly value: T } | null = null
    host.start((env) => {
      run(env, (value) => {
        result = { value }
      })
    })
    this.until('the program ends', () => result !== null)
    host.exit()
    return (result as { readonly value: T } | null)!.value
  }
}

const QUIET: ClientHost = {
  nowMs: 0,
  append: () => {},
  nextConnection: () => 1,
  onSessionMade: () => {},
  onReady: () => {},
  onSessionEnded: () => {},
  onWatchEvent: () => {},
  onViolation: (_, rule) => {
    throw new Error(rule)
  },
}

function configOf(id: number, members: readonly number[]): Config {
  return {
    ...defaultConfig({ clientPort: 2181, dataDir: '/data', tickTimeMs: TICK_MS }),
    limits: {
      ...DEFAULT_LIMITS,
      logSegmentBytes: 64 * KIB,
      diskReserveBytes: 64 * KIB,
      diskFreeBytesMin: 64 * KIB,
    },
    ensemble:
      members.length === 1
        ? null
        : {
            self: id,
            members: members.map(memberOf),
            groups: [],
            weights: new Map(),
            initLimit: 10,
            syncLimit: 5,
            listensOnAllAddresses: false,
            isReadOnlyModeEnabled: false,
            localSessions: { isEnabled: false, isUpgrading: false },
            multiAddress: { isEnabled: false, waitMs: null },
            observerMaster: { port: 0, windowBytesMax: 0 },
          },
  }
}

function memberOf(id: number): MemberConfig {
  return {
    id,
    host: `10.0.0.${id}`,
    quorumPort: 2888,
    electionPort: 3888,
    moreAddresses: [],
    role: 'participant',
    client: null,
  }
}
