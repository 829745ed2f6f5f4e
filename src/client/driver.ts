import type {
  Address,
  ConnectHandler,
  Connection,
  ConnectionHandler,
  IoError,
  TimerHandle,
} from '../env/index.ts'
import { FrameReader, type FrameSink, InputReader } from '../wire/index.ts'
import { AbortSignals } from './abort-signals.ts'
import type { Call } from './call.ts'
import type { ClientCore } from './core.ts'
import type { Effect, StateChange } from './effects.ts'
import type { ClientEnvironment } from './environment.ts'
import { AbortedError, describe } from './errors.ts'
import { guardedEnvironment } from './guarded-environment.ts'
import { Probe } from './probe.ts'
import type { SaslExchange } from './sasl.ts'

/** Above this, requests wait until the connection has got rid of some. */
const BUFFERED_BYTES_MAX = 1024 * 1024
/** How long a server may take to say whether it takes writes. */
const PROBE_LIMIT_MS = 4000

/** Gives the core its connections and its time, and carries its effects out. */
export class Driver {
  readonly #env: ClientEnvironment
  readonly #core: ClientCore
  readonly #replyBytesMax: number
  readonly #listeners = new Set<(change: StateChange) => void>()
  readonly #signals = new AbortSignals((call, reason) => this.#giveUp(call, reason))
  #link: Link | null = null
  #probe: Probe | null = null
  #timer: TimerHandle | null = null
  #timerMs = Number.POSITIVE_INFINITY
  #isDraining = false
  #isFlushPlanned = false

  constructor(env: ClientEnvironment, core: ClientCore, replyBytesMax: number) {
    this.#env = guardedEnvironment(env)
    this.#core = core
    this.#replyBytesMax = replyBytesMax
  }

  get environment(): ClientEnvironment {
    return this.#env
  }

  get nowMs(): number {
    return this.#env.clock.monotonicMs()
  }

  /** Resolves as the call is answered. With `signal` the caller may stop waiting. */
  result<T>(call: Call<T>, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal === undefined) {
        call.resolve = resolve
        call.reject = reject
        return
      }
      call.resolve = (value) => {
        this.#signals.remove(signal, call as Call)
        resolve(value)
      }
      call.reject = (error) => {
        this.#signals.remove(signal, call as Call)
        reject(error)
      }
      if (signal.aborted) this.#giveUp(call as Call, signal.reason)
      else this.#signals.add(signal, call as Call)
    })
  }

  onState(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Carries out what the core wants; to be called after everything that it is told. */
  after(): void {
    this.#drain()
    this.#planFlush()
    this.#arm()
  }

  #giveUp(call: Call, reason: unknown): void {
    const message = describe('aborted', call.request)
    this.#core.giveUp(call, new AbortedError('ABORTED', message, call.details(false, reason)))
    this.after()
  }

  /* ---------------------------------------------------------------- effects */

  #drain(): void {
    // Listeners may call methods of the client, which come here again.
    if (this.#isDraining) return
    this.#isDraining = true
    const { effects } = this.#core
    for (let index = 0; index < effects.length; index++) this.#carryOut(effects[index]!)
    effects.length = 0
    this.#isDraining = false
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'resolve':
        effect.call.resolve(effect.value)
        return
      case 'reject':
        effect.call.reject(effect.error)
        return
      case 'event':
        this.#env.observer?.watchEvent(effect)
        effect.sink.deliver(effect.type, effect.path, effect.zxid)
        return
      case 'lookUp':
        void this.#lookUp(effect.attempt, effect.name)
        return
      case 'connect':
        this.#link = new Link(this.#core, this, effect.attempt, this.#replyBytesMax)
        this.#env.network.connect(effect.address, this.#link, this.#link.signal)
        return
      case 'prove':
        if (this.#link?.attempt === effect.attempt) void this.#link.prove(effect)
        return
      case 'probe':
        this.#probeServer(effect.attempt, effect.address)
        return
      case 'disconnect':
        this.#disconnect(effect.attempt, effect.isOrderly)
        return
      case 'sessionEnd':
        effect.session.end(effect.error)
        return
      case 'connectionEnd':
        this.#env.logger.debug('a connection has ended', { ...effect.end })
        this.#env.observer?.connectionEnd(effect.end)
        return
      case 'state':
        this.#tell(effect.change)
        return
      case 'log':
        this.#env.logger[effect.level](effect.message)
    }
  }

  #disconnect(attempt: number, isOrderly: boolean): void {
    const link = this.#link
    if (link?.attempt !== attempt) return
    this.#link = null
    this.#probe?.end()
    link.leave(isOrderly)
  }

  async #lookUp(attempt: number, name: string): Promise<void> {
    try {
      const records = await this.#env.resolveSrv!(name)
      if (records.length === 0) throw new Error('it has no SRV records')
      this.#core.lookedUp(attempt, records)
    } catch (error) {
      this.#core.lookUpFailed(attempt, `cannot be looked up: ${reasonOf(error)}`, this.nowMs)
    }
    this.after()
  }

  #probeServer(attempt: number, address: Address): void {
    this.#probe?.end()
    this.#probe = new Probe(this.#env, address, PROBE_LIMIT_MS, () => {
      this.#core.foundWritable(attempt, address, this.nowMs)
      this.after()
    })
  }

  #tell(change: StateChange): void {
    const { state, previous, sessionId, reason } = change
    // As servers write it, and as text: fields of a log often become JSON, which has no bigint.
    const session = `0x${sessionId.toString(16)}`
    this.#env.logger.info(`client is ${state}`, { previous, session, reason })
    this.#env.observer?.state(change)
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        this.#env.logger.error('a listener of the client failed', { error: String(error) })
      }
    }
  }

  /* ---------------------------------------------------------------- output and time */

  /** Requests of one turn leave in one write. */
  #planFlush(): void {
    if (this.#isFlushPlanned || this.#link === null) return
    this.#isFlushPlanned = true
    void Promise.resolve().then(() => {
      this.#isFlushPlanned = false
      this.flush()
    })
  }

  flush(): void {
    const nowMs = this.nowMs
    while (this.#link !== null && !this.#link.isCongested) {
      this.#core.pump(nowMs)
      if (this.#core.out.length === 0) break
      this.#link.write(this.#core.out.take())
    }
    this.#drain()
    this.#arm()
  }

  #arm(): void {
    const nextMs = this.#core.nextMs
    if (nextMs >= this.#timerMs && nextMs !== Number.POSITIVE_INFINITY) return
    this.#timer?.cancel()
    this.#timer = null
    this.#timerMs = nextMs
    if (nextMs !== Number.POSITIVE_INFINITY) {
      this.#timer = this.#env.timers.at(nextMs, () => this.#onTime())
    }
  }

  #onTime(): void {
    this.#timer = null
    // A process that stood still has answers waiting in its sockets: they are read first.
    this.#env.timers.endOfTurn(() => {
      this.#timerMs = Number.POSITIVE_INFINITY
      this.#core.tick(this.nowMs)
      this.after()
    })
  }
}

/** One connection, or the attempt at one. */
class Link implements ConnectHandler, ConnectionHandler, FrameSink {
  readonly attempt: number
  readonly #core: ClientCore
  readonly #driver: Driver
  readonly #frames: FrameReader
  readonly #reader: InputReader = new InputReader()
  readonly #abort: AbortController = new AbortController()
  #connection: Connection | null = null
  #sasl: SaslExchange | null = null
  #isLeft = false

  constructor(core: ClientCore, driver: Driver, attempt: number, replyBytesMax: number) {
    this.#core = core
    this.#driver = driver
    this.attempt = attempt
    this.#frames = new FrameReader(replyBytesMax)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isCongested(): boolean {
    return this.#connection === null || this.#connection.bufferedBytes > BUFFERED_BYTES_MAX
  }

  write(bytes: Uint8Array): void {
    this.#connection!.write(bytes)
  }

  /** Has the mechanism answer the server. */
  async prove({
    mechanism,
    address,
    challenge,
  }: Extract<Effect, { kind: 'prove' }>): Promise<void> {
    try {
      if (challenge === null) this.#sasl = mechanism.begin(address)
      const answer = await this.#sasl!.answer(challenge)
      this.#core.proved(this.attempt, answer, this.#driver.nowMs)
    } catch (error) {
      const reason = `SASL ${mechanism.name}: ${reasonOf(error)}`
      this.#core.notProved(this.attempt, reason, this.#driver.nowMs)
    }
    this.#driver.after()
  }

  /** The client has no use for it any more. */
  leave(isOrderly: boolean): void {
    this.#isLeft = true
    this.#frames.close()
    this.#abort.abort()
    if (isOrderly) this.#connection?.end()
    else this.#connection?.destroy()
  }

  onOpen(connection: Connection): ConnectionHandler {
    this.#connection = connection
    if (this.#isLeft) {
      connection.destroy()
      return this
    }
    this.#core.opened(this.attempt, this.#driver.nowMs)
    this.#driver.after()
    return this
  }

  onError(error: IoError): void {
    this.#over(error.message)
  }

  onBytes(chunk: Uint8Array): void {
    this.#frames.push(chunk, this)
    this.#driver.after()
  }

  onDrain(): void {
    if (!this.#isLeft) this.#driver.flush()
  }

  onEnd(): void {
    this.#over('the server closed the connection')
    this.#connection?.destroy()
  }

  onClose(error: IoError | null): void {
    this.#over(error?.message ?? 'the server closed the connection')
  }

  onFrame(bytes: Uint8Array, start: number, end: number): boolean {
    this.#reader.reset(bytes, start, end)
    this.#core.received(this.attempt, this.#reader, this.#driver.nowMs)
    this.#reader.clear()
    return true
  }

  onBadLength(length: number): void {
    this.#core.garbled(this.attempt, `a frame of ${length} bytes`, this.#driver.nowMs)
  }

  #over(reason: string): void {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#core.closed(this.attempt, reason, this.#driver.nowMs)
    this.#driver.after()
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
