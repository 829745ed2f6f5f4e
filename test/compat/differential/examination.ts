/** One script on all servers at once, and what is wrong about it. */
import type { ServerKind } from '../../../bench/servers/index.ts'
import { formatDifference } from './compare.ts'
import { compareWith, runOn } from './peers.ts'
import { outcomesOf } from './recorder.ts'
import type { Group } from './runner.ts'
import type { Script } from './script.ts'

export interface Examination {
  /** The run of Apache 3.9.3, if it is installed. */
  readonly reference: readonly Group[] | undefined
  /** Lines whose outcome is not the one in the script; of 3.9.3, or of ours when that is missing. */
  readonly surprises: readonly string[]
  /** Unexplained differences from 3.9.3, and explanations that explain nothing. */
  readonly problems38: readonly string[]
  readonly problemsOurs: readonly string[]
  /** Rules that explained something, e.g. `3.8:event-zxid`. */
  readonly used: readonly string[]
}

/**
 * Runs the script on the given servers, and once more when something is wrong: a machine that stands still for half a
 * minute ends sessions and lets timers fire late, and no script can be immune to that. A real difference comes again.
 */
export async function examine(script: Script, kinds: readonly ServerKind[]): Promise<Examination> {
  try {
    const first = await examineOnce(script, kinds)
    const wrong = [...first.surprises, ...first.problems38, ...first.problemsOurs]
    if (wrong.length === 0) return first
    console.warn(`${script.name} is run again because of\n${wrong.join('\n')}`)
  } catch (error) {
    console.warn(`${script.name} is run again because of`, error)
  }
  return await examineOnce(script, kinds)
}

async function examineOnce(script: Script, kinds: readonly ServerKind[]): Promise<Examination> {
  const runs = new Map<ServerKind, readonly Group[]>()
  // all at once: most of the time goes into starting them
  await Promise.all(kinds.map(async (kind) => runs.set(kind, await runOn(kind, script))))
  const reference = runs.get('apache-3.9')
  const ours = runs.get('zabkeeper')
  if (reference === undefined) {
    const surprises = ours === undefined ? [] : surprisesIn(script, ours, hasMark)
    return { reference, surprises, problems38: [], problemsOurs: [], used: [] }
  }
  const used: string[] = []
  const problems = (server: '3.8' | 'ours', run: readonly Group[] | undefined): string[] => {
    if (run === undefined) return []
    const verdict = compareWith(server, reference, run)
    used.push(...[...verdict.used].map((rule) => `${server}:${rule}`))
    const idle = verdict.stale.map((mark) => `${mark} explains nothing`)
    return [...verdict.unexplained.map(formatDifference), ...idle]
  }
  const surprises = surprisesIn(script, reference, () => false)
  const problems38 = problems('3.8', runs.get('apache-3.8'))
  return { reference, surprises, problems38, problemsOurs: problems('ours', ours), used }
}

function surprisesIn(
  script: Script,
  groups: readonly Group[],
  isExcused: (group: Group) => boolean,
): string[] {
  const outcomes = outcomesOf(groups)
  const excused = new Set(groups.filter(isExcused).flatMap((group) => group.lines))
  return script.lines
    .filter((line) => !excused.has(line) && outcomes.get(line.number) !== line.expected)
    .map((line) => `${script.name}:${line.number}: ${line.text} => ${outcomes.get(line.number)}`)
}

function hasMark(group: Group): boolean {
  return group.lines.some((line) => line.marks.some((mark) => mark.startsWith('ours:')))
}
