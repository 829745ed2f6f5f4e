import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import { onStopSignal } from '../platform/index.ts'
import {
  DEFAULT_OPERATIONS,
  drawPlan,
  formatScenario,
  parseScenario,
  type RunResult,
  type Scenario,
  ScenarioError,
  shrinkPlan,
} from '../sim/index.ts'
import { EXIT } from './exit-codes.ts'
import { readInteger } from './read-integer.ts'
import { runRange } from './sim-range.ts'
import { runSeed } from './sim-seed.ts'

interface SimFlags {
  readonly seed?: number
  readonly seeds?: SeedRange
  readonly jobs?: number
  readonly operations?: number
  readonly scenario?: string
  readonly trace?: true
  readonly twice?: true
  readonly shrink?: true
}

interface SeedRange {
  readonly first: number
  readonly last: number
}

const SIM_HELP = `A run is a whole ensemble of servers with clients in one thread, under faults and then without; everything it did
is checked. The same seed gives the same run. Exit code 1: a run has failed.

  zabkeeper sim --seeds 1..1000           many runs; seeds that fail are named
  zabkeeper sim --seed 42 --trace         one run, all that happens
  zabkeeper sim --seed 42 --shrink        the shortest script of faults that makes it fail
  zabkeeper sim --scenario kept.json      a run that was kept`

const SEED_MAX = 0xffff_ffff
/** Reasons shown for a run of a range; a single run shows all. */
const REASONS_MAX = 3

export function addSim(program: Command): void {
  program
    .command('sim')
    .description('run ensembles of simulated servers and check all they do')
    .helpOption('-h, --help', 'print this help')
    .option('--seed <n>', 'run this seed', readSeed)
    .option('--seeds <a..b>', 'run these seeds', readSeeds)
    .option('--scenario <file>', 'run what the file holds; with seeds: under each of them')
    .option('--trace', 'print all that happens in the run')
    .option('--shrink', 'look for a shorter script of faults that fails as well, and print it')
    .option('--twice', 'run each seed twice and compare the traces')
    .option('--operations <n>', `requests per run (default: ${DEFAULT_OPERATIONS})`, readCount)
    .option('--jobs <n>', 'runs at a time (default: one per core)', readCount)
    .addHelpText('after', `\n${SIM_HELP}`)
    .action((flags: SimFlags) => sim(flags))
}

function sim(flags: SimFlags): void {
  // Somebody who has seen enough (`| head`) closes the pipe.
  process.stdout.on('error', () => process.exit(EXIT.ok.code))
  Error.stackTraceLimit = 10
  const scenario = flags.scenario === undefined ? null : loadScenario(flags.scenario)
  if (flags.seeds !== undefined) {
    if (flags.seed !== undefined) refuse('--seed and --seeds exclude each other')
    if (flags.trace || flags.shrink) refuse('--trace and --shrink need one --seed')
    runSeeds(flags.seeds, flags, scenario)
    return
  }
  const seed = flags.seed ?? scenario?.plan.seed
  if (seed === undefined) refuse('one of --seed, --seeds, --scenario is needed')
  runOne(seed, flags, scenario)
}

function loadScenario(file: string): Scenario {
  try {
    return parseScenario(readFileSync(file, 'utf8'))
  } catch (error) {
    const isExpected = error instanceof ScenarioError || (error as { code?: string }).code
    if (!isExpected) throw error
    return refuse(`${file}: ${(error as Error).message}`)
  }
}

function refuse(message: string): never {
  process.stderr.write(`zabkeeper: ${message}\n(zabkeeper sim --help shows what there is)\n`)
  process.exit(EXIT.usage.code)
}

/* ---------------------------------------------------------------- one */

function runOne(seed: number, flags: SimFlags, scenario: Scenario | null): void {
  const operations = flags.operations ?? DEFAULT_OPERATIONS
  const assignment = { seed, operations, isTwice: flags.twice ?? false, scenario }
  const print = flags.trace ? (line: string) => writeLine(line) : undefined
  const result = runSeed(assignment, print)
  if (flags.shrink) {
    process.exitCode = shrink(result, flags, scenario)
    return
  }
  for (const line of describeRun(result)) writeLine(line)
  for (const { rule, message } of result.faults) writeLine(`failed: ${rule}: ${message}`)
  const isGood = result.faults.length === 0
  writeLine(isGood ? '1 passed, 0 failed' : '0 passed, 1 failed')
  process.exitCode = isGood ? EXIT.ok.code : EXIT.failure.code
}

function describeRun(result: RunResult): readonly string[] {
  const { seed, traceHash, simulatedMs, events, operations, answered, facts, hits } = result
  const faults = [...hits].map(([kind, count]) => `${kind} ${count}`).join(', ')
  return [
    `seed ${seed}: trace ${traceHash}, ${(simulatedMs / 1000).toFixed(3)} s simulated, ${events} events`,
    `${operations} operations (${answered} answered), ${facts.elections} elections, ${facts.transactions} transactions, ${facts.expirations} sessions expired`,
    `longest time between writes ${facts.writeGapMs.toFixed(0)} ms, without a leader ${facts.leaderlessMs.toFixed(0)} ms`,
    `faults: ${faults === '' ? 'none' : faults}`,
  ]
}

function shrink(result: RunResult, flags: SimFlags, scenario: Scenario | null): number {
  const fault = result.faults[0]
  if (fault === undefined) {
    process.stderr.write(`seed ${result.seed} passes, there is nothing to shrink\n`)
    return EXIT.ok.code
  }
  const { operations = DEFAULT_OPERATIONS } = flags
  const plan =
    scenario === null
      ? drawPlan(result.seed, { operations })
      : { ...scenario.plan, seed: result.seed }
  const shrunk = shrinkPlan(plan, fault.rule, {
    nowMs: () => performance.now(),
    expect: scenario?.expect ?? {},
    onStep: (text) => process.stderr.write(`${text}\n`),
  })
  const story = `${fault.rule}: ${fault.message}`.slice(0, 300)
  writeLine(formatScenario({ story, plan: shrunk, expect: scenario?.expect ?? {} }))
  return EXIT.failure.code
}

/* ---------------------------------------------------------------- many */

function runSeeds({ first, last }: SeedRange, flags: SimFlags, scenario: Scenario | null): void {
  const stop = runRange({
    first,
    last,
    jobs: flags.jobs ?? availableParallelism(),
    assignment: {
      operations: flags.operations ?? DEFAULT_OPERATIONS,
      isTwice: flags.twice ?? false,
      scenario,
    },
    onFailure: (result) => {
      writeLine(`seed ${result.seed} failed; again with: ${replayCommand(result.seed, flags)}`)
      for (const { rule, message } of result.faults.slice(0, REASONS_MAX)) {
        writeLine(`  ${rule}: ${message}`)
      }
    },
    onProgress: (campaign, wallMs) => {
      process.stderr.write(`${campaign.progress(last - first + 1, wallMs)}\n`)
    },
    onEnd: (campaign, wallMs) => {
      const seeds = campaign.failures.map(({ seed }) => seed).sort((a, b) => a - b)
      if (seeds.length > 0) writeLine(`failed seeds: ${seeds.join(' ')}`)
      for (const line of campaign.summary(wallMs)) writeLine(line)
      process.exitCode = seeds.length === 0 ? EXIT.ok.code : EXIT.failure.code
    },
  })
  onStopSignal(stop)
}

function replayCommand(seed: number, { operations, scenario }: SimFlags): string {
  const words = ['zabkeeper', 'sim', '--seed', seed]
  if (operations !== undefined) words.push('--operations', operations)
  if (scenario !== undefined) words.push('--scenario', scenario)
  return [...words, '--trace'].join(' ')
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`)
}

/* ---------------------------------------------------------------- flags */

function readSeed(text: string): number {
  return readInteger(text, 0, SEED_MAX)
}

function readCount(text: string): number {
  return readInteger(text, 1, 1_000_000)
}

function readSeeds(text: string): SeedRange {
  const ends = text.split('..')
  if (ends.length !== 2) throw new InvalidArgumentError('It must be two numbers, as in 1..100.')
  const [first, last] = ends.map(readSeed) as [number, number]
  if (last < first) throw new InvalidArgumentError('The second number must not be the smaller one.')
  return { first, last }
}
