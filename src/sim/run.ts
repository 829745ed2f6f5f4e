import { formatHex, type ServerId } from '../base/index.ts'
import { CHECKERS, type CheckOptions, runCheckers } from './checkers/index.ts'
import { ClientPool } from './clients/index.ts'
import { describeEvent } from './describe-event.ts'
import { SimEnsemble } from './ensemble.ts'
import { FaultInjector } from './fault-injector.ts'
import type { FaultScript } from './fault-profile.ts'
import type { FaultAction, FaultKind } from './faults.ts'
import { DISK_HANG_FAULT, type FinalReplica, type HistoryEvent } from './history.ts'
import { SimRandom } from './random.ts'
import { Recorder } from './recorder.ts'
import { factsOf, type RunFacts } from './run-facts.ts'
import type { RunPlan } from './run-plan.ts'
import { Roles } from './scenario-roles.ts'
import { SimWorld } from './world.ts'

export interface RunOptions {
  /** Gets every event, and every line that a core or a server says, as text. */
  readonly onLine?: (line: string) => void
}

/** Something that a run showed to be wrong. */
export interface RunFault {
  /** Id of the invariant, or `client`, `progress`, `replicas`, `restart`, `crash`. */
  readonly rule: string
  readonly message: string
}

export interface RunResult {
  readonly seed: number
  readonly faults: readonly RunFault[]
  /** Equal for equal seeds, on every platform. */
  readonly traceHash: string
  readonly simulatedMs: number
  /** Events of the world: arrivals, timers, completions. */
  readonly events: number
  readonly operations: number
  readonly answered: number
  readonly facts: RunFacts
  readonly hits: ReadonlyMap<FaultKind, number>
}

/** Longest virtual time that each part may take after the healing. */
const RECOVERY_MS = 60_000
const FINAL_MS = 60_000
/** In which clients make up, after the healing, for requests that faults have prevented. */
const HURRY_MS = 4000
/** A run that does more than this per simulated second goes round in circles. */
const EVENTS_PER_SECOND_MAX = 200_000

/** One run: an ensemble with clients under a fault script, then healed and held to progress; then all it did is checked. */
export function runSimulation(plan: RunPlan, options: RunOptions = {}): RunResult {
  return new Simulation(plan, options).run()
}

class Simulation {
  readonly #plan: RunPlan
  readonly #world: SimWorld
  readonly #recorder: Recorder
  readonly #ensemble: SimEnsemble
  readonly #pool: ClientPool
  readonly #injector: FaultInjector
  readonly #faults: RunFault[] = []
  readonly #hung = new Set<string>()
  #isHealed = false

  constructor(plan: RunPlan, { onLine }: RunOptions) {
    this.#plan = plan
    const say = onLine ?? null
    this.#recorder = new Recorder(say === null ? null : (event) => say(describeEvent(event)))
    const line = (who: string, text: string): void =>
      say?.(`${this.#world.nowMs.toFixed(3).padStart(12)} ${who} | ${text}`)
    this.#world = new SimWorld(plan.seed, {
      ...plan.network,
      onHostEvent: (event) => this.#ensemble.onHostEvent(event),
      ...(say === null
        ? {}
        : {
            onLog: ({ host, level, message, fields }) => {
              if (level !== 'debug') line(host, `${level}: ${message} ${textOf(fields)}`)
            },
          }),
    })
    this.#ensemble = new SimEnsemble(this.#world, this.#recorder, {
      ...plan.ensemble,
      restartDelayMs: 1000,
      ...(say === null
        ? {}
        : { onTrace: (server: ServerId, text: string) => line(`s${server}`, text) }),
    })
    const random = new SimRandom(plan.seed ^ 0x5bd1e995)
    this.#pool = new ClientPool({
      ...plan.clients,
      random,
      world: this.#world,
      servers: this.#ensemble.clientAddresses,
      history: this.#recorder,
    })
    this.#injector = new FaultInjector(this.#world, (action, isHit) => {
      if (isHit) this.#recordFault(action)
    })
  }

  run(): RunResult {
    try {
      this.#runPhases()
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#faults.push({ rule: 'crash', message })
    }
    return this.#result()
  }

  #runPhases(): void {
    const { durationMs, script } = this.#plan
    this.#ensemble.start()
    this.#schedule(script)
    this.#pool.start()
    this.#until(() => this.#world.nowMs >= durationMs, durationMs)
    this.#heal()
    if (!this.#until(() => this.#ensemble.isWhole, RECOVERY_MS)) {
      this.#fail('progress', `not every server serves ${RECOVERY_MS} ms after the healing`)
    }
    this.#pool.hurry(HURRY_MS)
    if (!this.#until(() => !this.#pool.isIssuing, RECOVERY_MS)) {
      this.#fail('progress', `clients cannot ask for all they want within ${RECOVERY_MS} ms`)
    }
    this.#pool.stopIssuing()
    if (!this.#until(() => this.#pool.isQuiet, RECOVERY_MS)) {
      this.#fail('progress', `requests are unanswered ${RECOVERY_MS} ms after the last one`)
    }
    this.#pool.beginFinal()
    if (!this.#until(() => this.#pool.isFinished, FINAL_MS)) {
      this.#fail('progress', `clients cannot read the tree within ${FINAL_MS} ms`)
    } else this.#pool.checkFinal()
    this.#pool.stop()
    this.#until(() => false, 2 * (this.#plan.ensemble.tickTimeMs ?? 1000))
    // Who was cut off and has not noticed yet serves what it has.
    this.#until(() => this.#ensemble.isAtOneZxid, RECOVERY_MS)
    const replicas = this.#ensemble.finalReplicas()
    this.#compare('replicas', replicas)
    this.#recorder.append({ kind: 'end', atMs: this.#world.nowMs, replicas })
    this.#check()
    this.#restartAll(replicas)
  }

  #schedule(script: FaultScript): void {
    const roles = new Roles(this.#ensemble)
    for (const { atMs, action } of script) {
      this.#world.events.schedule(atMs, () => {
        if (this.#isHealed) return
        const named = roles.resolve(action)
        if (named !== null) this.#injector.apply(named)
      })
    }
  }

  /** Ends all faults; progress is demanded from here on. */
  #heal(): void {
    this.#isHealed = true
    this.#injector.heal()
    for (const name of this.#hung) this.#append('faultEnd', DISK_HANG_FAULT, name)
    this.#recorder.append({ kind: 'heal', atMs: this.#world.nowMs })
  }

  /** The power goes everywhere: what comes back must be what was there. */
  #restartAll(before: readonly FinalReplica[]): void {
    if (this.#faults.length > 0) return
    for (const { host } of this.#ensemble.members) host.powerLoss()
    for (const { host } of this.#ensemble.members) host.restart()
    if (!this.#until(() => this.#ensemble.isWhole, RECOVERY_MS)) {
      this.#fail('restart', `not every server serves ${RECOVERY_MS} ms after a power cut`)
      return
    }
    // A damaged observer that is made whole takes a while, and sessions end meanwhile.
    this.#until(() => this.#ensemble.isWhole && this.#ensemble.isAtOneZxid, RECOVERY_MS)
    const after = this.#ensemble.finalReplicas()
    this.#compare('restart', after)
    const [first] = after
    const same = before.find(({ server }) => server === first?.server)
    if (first === undefined || same === undefined || first.zxid !== same.zxid) return
    if (first.digest !== same.digest) {
      this.#fail('restart', `${formatHex(first.zxid)} had ${same.digest}, now ${first.digest}`)
    }
  }

  #compare(rule: string, replicas: readonly FinalReplica[]): void {
    const [first] = replicas
    if (replicas.length !== this.#ensemble.members.length || first === undefined) {
      this.#fail(rule, `only ${replicas.length} servers run`)
      return
    }
    for (const replica of replicas) {
      if (replica.zxid === first.zxid && replica.digest === first.digest) continue
      this.#fail(rule, `${stateOf(first)}, but ${stateOf(replica)}`)
    }
  }

  #check(): void {
    for (const { rule, client, atMs } of this.#pool.violations) {
      this.#fail('client', `${rule} (client ${client}, ${atMs.toFixed(1)} ms)`)
    }
    const options = { ...limitsOf(this.#plan), ...this.#plan.check }
    for (const { id, message } of runCheckers(this.#recorder.events, CHECKERS, options)) {
      this.#fail(id, message)
    }
  }

  #fail(rule: string, message: string): void {
    this.#faults.push({ rule, message })
  }

  /** Lets time pass until `isDone`; false if that takes longer than `maxMs`. */
  #until(isDone: () => boolean, maxMs: number): boolean {
    const { events } = this.#world
    const startMs = events.nowMs
    const limit = events.executed + Math.ceil((maxMs / 1000 + 1) * EVENTS_PER_SECOND_MAX)
    while (!isDone()) {
      if (events.nowMs - startMs > maxMs || !events.step()) return isDone()
      if (events.executed > limit) {
        this.#fail('progress', `more than ${EVENTS_PER_SECOND_MAX} events a second`)
        return false
      }
    }
    return true
  }

  #recordFault(action: FaultAction): void {
    this.#noteDamage(action)
    if (!('host' in action)) {
      const isEnd = action.kind === 'healNetwork' || action.kind.startsWith('mend')
      this.#append(isEnd ? 'faultEnd' : 'faultBegin', `net-${action.kind}`, null)
      return
    }
    const { host, kind } = action
    // Told by the machine itself, as that may end otherwise too.
    if (STANDSTILLS.has(kind)) return
    if (kind === 'hangDisk') {
      this.#hung.add(host)
      this.#append('faultBegin', DISK_HANG_FAULT, host)
    } else if (this.#hung.has(host) && DISK_ANSWERS.has(kind)) {
      this.#hung.delete(host)
      this.#append('faultEnd', DISK_HANG_FAULT, host)
    } else {
      const isNet =
        kind === 'isolate' || kind === 'mute' || kind === 'deafen' || kind === 'resetAll'
      this.#append('faultBegin', isNet ? `net-${kind}` : kind, host)
    }
  }

  #noteDamage(action: FaultAction): void {
    if (!('host' in action)) return
    const member = this.#ensemble.members.find(({ host }) => host.name === action.host)
    if (member === undefined) return
    if (DAMAGING.has(action.kind)) member.isDiskReplaced = true
  }

  #append(kind: 'faultBegin' | 'faultEnd', name: string, host: string | null): void {
    const member = this.#ensemble.members.find((one) => one.host.name === host)
    const event: HistoryEvent = { kind, atMs: this.#world.nowMs, name, server: member?.id ?? null }
    this.#recorder.append(event)
  }

  #result(): RunResult {
    const counters = this.#pool.counters()
    return {
      seed: this.#plan.seed,
      faults: this.#faults,
      traceHash: this.#recorder.traceHash(),
      simulatedMs: this.#world.nowMs,
      events: this.#world.events.executed,
      operations: counters.invoked,
      answered: counters.invoked - counters.ambiguous - counters.lostReads,
      facts: factsOf(this.#recorder.events),
      hits: this.#injector.hits,
    }
  }
}

/**
 * How long things may take follows from the ticks and timeouts: a client whose server lost its power, for example, finds
 * out after two thirds of its session timeout.
 */
function limitsOf({ ensemble, clients }: RunPlan): Partial<CheckOptions> {
  const { tickTimeMs = 1000 } = ensemble
  return {
    tickMs: tickTimeMs,
    // The most that `driftMonotonic` makes of a clock, and a little for what rounding adds.
    clockDriftMax: 0.011,
    // Servers may have decided for one that has died since, and hear nothing of it: that takes twice `gatherMs`.
    leaderMs: 5000,
    serveMs: 5000 + 3 * tickTimeMs,
    replyMs: 3000 + Math.max(3 * tickTimeMs, (2 * clients.timeoutMsMax) / 3),
  }
}

const STANDSTILLS: ReadonlySet<FaultKind> = new Set(['pause', 'suspend', 'resume'])

/** After these nothing is promised for a disk. */
const DAMAGING: ReadonlySet<FaultKind> = new Set(['flipBit', 'staleDisk', 'wipeDisk'])

/** A process that dies waits for no disk. */
const DISK_ANSWERS: ReadonlySet<FaultKind> = new Set([
  'releaseDisk',
  'healDisk',
  'crash',
  'powerLoss',
])

function stateOf({ server, zxid, digest }: FinalReplica): string {
  return `server ${server} holds ${formatHex(zxid)} with digest ${digest}`
}

function textOf(fields: object): string {
  return JSON.stringify(fields, (_, value) =>
    typeof value === 'bigint' ? formatHex(value) : value,
  )
}
