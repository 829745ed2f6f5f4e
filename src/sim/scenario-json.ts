import { DEFAULT_LIMITS } from '../config/index.ts'
import { WORKLOAD_NAMES } from './clients/index.ts'
import type { FaultScript } from './fault-profile.ts'
import { checkFaultScript, FaultScriptError } from './fault-script.ts'
import type { FaultKind } from './faults.ts'
import { FACT_NAMES } from './run-facts.ts'
import type { RunPlan } from './run-plan.ts'
import type { Expectations, Scenario } from './scenario.ts'
import { isRoleName } from './scenario-roles.ts'

/** A file that is no scenario; the message says what and where. */
export class ScenarioError extends Error {}

/* What a plan has that a file does not name. */
const BASE_PLAN: Omit<RunPlan, 'seed' | 'script'> = {
  ensemble: { voters: 3, observers: 0, tickTimeMs: 1000, initLimit: 10, syncLimit: 5 },
  clients: {
    clients: 3,
    durationMs: 20_000,
    opsTarget: 500,
    timeoutMsMin: 4000,
    timeoutMsMax: 10_000,
  },
  network: { latencyMsMin: 0.05, latencyMsMax: 2 },
  durationMs: 20_000,
  check: {},
}

const ENSEMBLE = ['voters', 'observers', 'tickTimeMs', 'initLimit', 'syncLimit']
const CORE = ['diskDiffBytes', 'historyBytes', 'historyEntries', 'lastCounter']
const DISK = ['capacityBytes', 'latencyMsMin', 'latencyMsMax', 'slowOneIn', 'slowMsMax']
const CLIENTS = ['clients', 'durationMs', 'opsTarget', 'timeoutMsMin', 'timeoutMsMax', 'firstXid']
const NETWORK = [
  'latencyMsMin',
  'latencyMsMax',
  'windowBytes',
  'connectTimeoutMs',
  'retransmitLimitMs',
]
const CHECK = [
  'tickMs',
  'clockDriftMax',
  'unansweredMs',
  'electionMs',
  'leaderMs',
  'serveMs',
  'replyMs',
  'diskHangMs',
]

/** As text: one fault a line, everything else indented. */
export function formatScenario({ story, issue, plan, expect }: Scenario): string {
  const { seed, script, ...rest } = plan
  const head = JSON.stringify({ story, issue, seed, plan: rest }, null, 2).slice(0, -2)
  const lines = script.map((fault) => `    ${JSON.stringify(fault)}`)
  const faults = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n  ]`
  return `${head},\n  "script": ${faults},\n  "expect": ${JSON.stringify(expect)}\n}\n`
}

/**
 * Reads what {@link formatScenario} writes. Fields of the plan may be absent; then they are those of three voters and
 * three clients for twenty seconds.
 * @throws ScenarioError
 */
export function parseScenario(text: string): Scenario {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new ScenarioError(`this is no JSON: ${(error as Error).message}`)
  }
  const file = objectOf(value, 'the file', ['story', 'issue', 'seed', 'plan', 'script', 'expect'])
  const issue = file.get('issue')
  const seed = numberOf(file.get('seed'), 'seed')
  const planned = readPlan(file.get('plan') ?? {}, seed)
  const plan = { ...planned, script: readScript(file.get('script') ?? [], planned) }
  return {
    story: textOf(file.get('story'), 'story'),
    ...(issue === undefined ? {} : { issue: textOf(issue, 'issue') }),
    plan,
    expect: readExpectations(file.get('expect') ?? {}),
  }
}

function readPlan(value: unknown, seed: number): Omit<RunPlan, 'script'> {
  const plan = objectOf(value, 'plan', ['ensemble', 'clients', 'network', 'durationMs', 'check'])
  const durationMs = numberOf(plan.get('durationMs') ?? BASE_PLAN.durationMs, 'plan.durationMs')
  const ensemble = objectOf(plan.get('ensemble') ?? {}, 'plan.ensemble', [
    ...ENSEMBLE,
    'core',
    'disk',
    'limits',
  ])
  const clients = objectOf(plan.get('clients') ?? {}, 'plan.clients', [...CLIENTS, 'weights'])
  return {
    seed,
    ensemble: {
      ...BASE_PLAN.ensemble,
      ...numbersOf(ensemble, 'plan.ensemble', ENSEMBLE),
      core: readNumbers(ensemble.get('core'), 'plan.ensemble.core', CORE),
      disk: readNumbers(ensemble.get('disk'), 'plan.ensemble.disk', DISK),
      limits: readNumbers(
        ensemble.get('limits'),
        'plan.ensemble.limits',
        Object.keys(DEFAULT_LIMITS),
      ),
    },
    clients: {
      ...BASE_PLAN.clients,
      durationMs,
      ...numbersOf(clients, 'plan.clients', CLIENTS),
      ...(clients.has('weights')
        ? { weights: readNumbers(clients.get('weights'), 'plan.clients.weights', WORKLOAD_NAMES) }
        : {}),
    },
    network: {
      ...BASE_PLAN.network,
      ...readNumbers(plan.get('network'), 'plan.network', NETWORK),
    },
    durationMs,
    check: readNumbers(plan.get('check'), 'plan.check', CHECK),
  }
}

function readScript(
  value: unknown,
  { clients: { clients }, ensemble: { observers, voters } }: Omit<RunPlan, 'script'>,
): FaultScript {
  const machines = new Set<string>()
  for (let i = 1; i <= voters + observers; i += 1) machines.add(`s${i}`)
  for (let i = 1; i <= clients; i += 1) machines.add(`c${i}`)
  try {
    return checkFaultScript(value, (name) => machines.has(name) || isRoleName(name))
  } catch (error) {
    if (error instanceof FaultScriptError) throw new ScenarioError(`script: ${error.message}`)
    throw error
  }
}

function readExpectations(value: unknown): Expectations {
  const expect = objectOf(value, 'expect', ['hits', 'min', 'max'])
  const hits = expect.get('hits')
  if (hits !== undefined) namesOf(hits, 'expect.hits')
  return {
    ...(hits === undefined ? {} : { hits: hits as FaultKind[] }),
    min: readNumbers(expect.get('min'), 'expect.min', FACT_NAMES),
    max: readNumbers(expect.get('max'), 'expect.max', FACT_NAMES),
  }
}

/* ---------------------------------------------------------------- values */

/** `names`: what it may have; null for anything. */
function objectOf(
  value: unknown,
  where: string,
  names: readonly string[] | null,
): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScenarioError(`${where} must be an object`)
  }
  const fields = new Map(Object.entries(value))
  for (const name of fields.keys()) {
    if (names !== null && !names.includes(name)) {
      throw new ScenarioError(`${where} has no field ${name}; it may have ${names.join(', ')}`)
    }
  }
  return fields
}

function readNumbers(
  value: unknown,
  where: string,
  names: readonly string[],
): Record<string, number> {
  return numbersOf(objectOf(value ?? {}, where, names), where, names)
}

function numbersOf(
  fields: ReadonlyMap<string, unknown>,
  where: string,
  names: readonly string[],
): Record<string, number> {
  const numbers: [string, number][] = []
  for (const name of names) {
    if (fields.has(name)) numbers.push([name, numberOf(fields.get(name), `${where}.${name}`)])
  }
  return Object.fromEntries(numbers)
}

function numberOf(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new ScenarioError(`${where} must be a number`)
}

function textOf(value: unknown, where: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new ScenarioError(`${where} must be a text`)
}

function listOf(value: unknown, where: string, read: (item: unknown, where: string) => void): void {
  if (!Array.isArray(value)) throw new ScenarioError(`${where} must be a list`)
  for (const [index, item] of value.entries()) read(item, `${where}[${index}]`)
}

function namesOf(value: unknown, where: string): void {
  listOf(value, where, textOf)
}
