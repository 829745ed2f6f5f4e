import { expect } from 'vitest'
import type { ServerId, SessionId, Zxid } from '../../src/base/index.ts'
import { defaultConfig } from '../../src/config/index.ts'
import { ReplicatedState } from '../../src/server/replicated-state.ts'
import { storageOptions } from '../../src/server/storage-options.ts'
import { CHECKERS, type CheckOptions, runCheckers } from '../../src/sim/checkers/index.ts'
import {
  type Answer,
  type Call,
  type ClientHost,
  type Operation,
  SimClient,
} from '../../src/sim/clients/index.ts'
import {
  type EnsembleOptions,
  type FaultAction,
  FaultInjector,
  SimEnsemble,
  type SimEnvironment,
  type SimMember,
  SimWorld,
} from '../../src/sim/index.ts'
import { Recorder } from '../../src/sim/recorder.ts'
import { openStorage, type ZnodeRow } from '../../src/storage/index.ts'
import { EventType, OpCode, type Txn } from '../../src/wire/index.ts'
import { AuthProviders, DataTree, OPEN_ACL, WatchTable } from '../../src/znodes/index.ts'

const WAIT_MS = 30_000

export interface TheatreOptions extends Partial<EnsembleOptions> {
  readonly seed?: number
}

/** A small ensemble on which a test plays a scene; all checkers look at the whole in the end. */
export class Theatre implements ClientHost {
  readonly world: SimWorld
  readonly ensemble: SimEnsemble
  readonly recorder: Recorder = new Recorder()
  readonly violations: string[] = []
  readonly actors: Actor[] = []
  readonly #injector: FaultInjector
  readonly #tickTimeMs: number
  #connections = 0

  constructor({ seed = 1, ...options }: TheatreOptions = {}) {
    this.#tickTimeMs = options.tickTimeMs ?? 1000
    this.world = new SimWorld(seed, {
      latencyMsMin: 0.05,
      latencyMsMax: 1,
      onHostEvent: (event) => this.ensemble.onHostEvent(event),
    })
    this.ensemble = new SimEnsemble(this.world, this.recorder, {
      voters: 3,
      observers: 0,
      tickTimeMs: this.#tickTimeMs,
      restartDelayMs: 500,
      ...options,
    })
    this.#injector = new FaultInjector(this.world)
  }

  get nowMs(): number {
    return this.world.nowMs
  }

  get leader(): SimMember {
    return this.ensemble.leader!
  }

  get followers(): readonly SimMember[] {
    const { leader, members, observers } = this.ensemble
    return members.filter((one) => one !== leader && !observers.includes(one.id))
  }

  /** Starts the servers and waits until all serve. */
  open(): this {
    this.ensemble.start()
    this.until(() => this.ensemble.isWhole)
    return this
  }

  /** Before {@link open}: all disks hold the state after `zxid`, in which `/seq` has had `children` children. */
  startAt(zxid: Zxid, children: number): this {
    for (const { host } of this.ensemble.members) {
      let isDone = false
      host.start((env) => {
        installState(env, zxid, children, () => {
          isDone = true
        })
      })
      this.until(() => isDone)
      host.exit()
    }
    for (const member of this.ensemble.members) member.isDiskReplaced = true
    return this
  }

  /** A client that knows these servers only, with a session. */
  actor(servers: readonly SimMember[], timeoutMs: number = 4000): Actor {
    const number = this.actors.length + 1
    const targets = servers.map(({ id }) => this.ensemble.clientAddresses[id - 1]!)
    const actor = new Actor(this, number)
    this.actors.push(actor)
    const host = this.world.addHost({ name: `c${number}`, address: `10.1.0.${number}` })
    host.start((env) => {
      actor.client = new SimClient(
        env,
        {
          number,
          name: String(number),
          servers: targets,
          timeoutMs,
          backoffMsMax: 200,
          firstXid: 1,
          usesOldSetWatches: false,
          auths: [],
        },
        this,
      )
      actor.client.start()
    })
    this.until(() => actor.client?.isReady === true)
    return actor
  }

  fault(action: FaultAction): void {
    expect(this.#injector.apply(action)).toBe(true)
  }

  runFor(ms: number): void {
    this.world.events.runUntil(this.nowMs + ms)
  }

  until(isDone: () => boolean): void {
    const endMs = this.nowMs + WAIT_MS
    while (!isDone()) {
      expect(this.nowMs, `waited ${WAIT_MS} ms`).toBeLessThan(endMs)
      this.world.events.step()
    }
  }

  /** Ends all faults, waits until all servers have the same, and lets all checkers look at it. */
  close(options: Partial<CheckOptions> = {}, except: readonly string[] = []): void {
    this.#injector.heal()
    this.recorder.append({ kind: 'heal', atMs: this.nowMs })
    this.until(() => this.ensemble.isWhole)
    this.runFor(2 * this.#tickTimeMs)
    for (const { client } of this.actors) client!.stop()
    this.runFor(2 * this.#tickTimeMs)
    this.until(() => this.ensemble.isAtOneZxid)
    const replicas = this.ensemble.finalReplicas()
    expect(new Set(replicas.map(({ digest }) => digest)).size).toBe(1)
    this.recorder.append({ kind: 'end', atMs: this.nowMs, replicas })
    expect(this.violations).toEqual([])
    const checkers = CHECKERS.filter(({ id }) => !except.includes(id))
    const limits = { tickMs: this.#tickTimeMs, serveMs: 5000 + 3 * this.#tickTimeMs }
    expect(runCheckers(this.recorder.events, checkers, { ...limits, ...options })).toEqual([])
  }

  /* ---------------------------------------------------------------- what clients tell */

  append(event: Parameters<Recorder['append']>[0]): void {
    this.recorder.append(event)
  }

  nextConnection(): number {
    this.#connections += 1
    return this.#connections
  }

  onSessionMade(): void {}

  onReady(): void {}

  onSessionEnded(client: number, sessionId: SessionId): void {
    this.actors[client - 1]!.ended.push(sessionId)
  }

  onWatchEvent(client: number, type: number, path: string): void {
    this.actors[client - 1]!.events.push(`${EVENT_NAMES.get(type)} ${path}`)
  }

  onViolation(_client: number, rule: string): void {
    this.violations.push(rule)
  }
}

const EVENT_NAMES = new Map(Object.entries(EventType).map(([name, type]) => [type as number, name]))

/** One client of a scene. */
export class Actor {
  client: SimClient | null = null
  readonly number: number
  readonly events: string[] = []
  readonly ended: SessionId[] = []
  readonly #theatre: Theatre

  constructor(theatre: Theatre, number: number) {
    this.#theatre = theatre
    this.number = number
  }

  get server(): ServerId {
    return this.client!.target.server
  }

  /** Sends without waiting; the call has the answer later, or null for ever. */
  send(operation: Operation): Call {
    const call = this.client!.request(operation, { onReply: () => {} })
    this.client!.flush()
    return call
  }

  /** Sends, as soon as there is a connection, and waits for the answer; asks again when the connection is lost. */
  ask(operation: Operation): Answer {
    for (;;) {
      this.#theatre.until(() => this.client!.isReady)
      let isOver = false
      const onReply = (): void => {
        isOver = true
      }
      const call = this.client!.request(operation, { onReply })
      this.client!.flush()
      this.#theatre.until(() => isOver)
      if (call.answer !== null) return call.answer
    }
  }

  /** Reads after a sync. */
  readSynced(path: string): Answer {
    this.ask({ type: OpCode.sync, path })
    return this.ask({ type: OpCode.getData, path, watch: false })
  }
}

/* ---------------------------------------------------------------- states to begin with */

const PROVIDERS = new AuthProviders({ skipAcl: false, isDigestEnabled: true, superDigest: null })

function newState(): ReplicatedState {
  const watches = new WatchTable(PROVIDERS)
  return new ReplicatedState(new DataTree(watches, { extendedTypesEnabled: true, hashSeed: 1 }))
}

function installState(env: SimEnvironment, zxid: Zxid, children: number, done: () => void): void {
  const state = newState()
  state.reset()
  const apply = (at: Zxid, txn: Txn): void => {
    state.apply(
      { clientId: 0n as SessionId, cxid: 0, zxid: at, time: 0, type: txn.type },
      txn,
      null,
    )
  }
  const createTxn = (path: string, parentCVersion: number): Txn => ({
    type: OpCode.create,
    path,
    data: null,
    acl: OPEN_ACL,
    ephemeral: false,
    parentCVersion,
  })
  apply((zxid - 2n) as Zxid, createTxn('/seq', 1))
  apply((zxid - 1n) as Zxid, createTxn('/seq/last', children))
  apply(zxid, { type: OpCode.delete, path: '/seq/last' })
  const rows: ZnodeRow[] = []
  const source = state.beginCheckpoint()
  for (const change of source.next(1000)) if (change.kind === 1) rows.push(change.row)
  const { summary } = source
  const snapshot = { summary: () => summary, sessions: () => [], znodes: () => rows.values() }
  const config = defaultConfig({ clientPort: 2181, dataDir: '/data', tickTimeMs: 1000 })
  const options = { ...storageOptions(config), replay: 'checkpoint' as const }
  const fail = (error: Error): never => {
    throw error
  }
  const handlers = { onDurable: () => {}, onLogPurged: () => {}, onFatal: fail }
  openStorage(env, options, newState(), handlers, (error, storage) => {
    if (error !== null) fail(error)
    storage!.install({ zxid, snapshot, entries: [], currentEpoch: 1 }, () => storage!.close(done))
    storage!.flush()
  })
}
