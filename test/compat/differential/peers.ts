/** Runs one script against several servers, one after another, each fresh. */
import type { ServerKind } from '../../../bench/servers/index.ts'
import { compareRuns, type Difference } from './compare.ts'
import { EXPLANATIONS, type Explanation } from './explained.ts'
import { type Group, runScript } from './runner.ts'
import type { Script } from './script.ts'
import { withServer } from './servers.ts'

export async function runOn(kind: ServerKind, script: Script): Promise<readonly Group[]> {
  return await withServer(kind, script.profile, (port) => runScript(script, port))
}

/** The differences of two runs, judged. */
export function compareWith(
  server: '3.8' | 'ours',
  reference: readonly Group[],
  other: readonly Group[],
): Verdict {
  const isExplained = (group: Group): boolean => marksOf(group, server).length > 0
  return judge(compareRuns(reference, other, isExplained), reference, server)
}

export interface Verdict {
  readonly unexplained: readonly Difference[]
  /** Rules that explained something. */
  readonly used: ReadonlySet<string>
  /** `line: rule` of marks at lines that do not differ. */
  readonly stale: readonly string[]
}

/** Sorts differences into explained and unexplained ones by the marks of their lines and by the general rules. */
function judge(
  differences: readonly Difference[],
  groups: readonly Group[],
  server: '3.8' | 'ours',
): Verdict {
  const used = new Set<string>()
  const needed = new Set<string>()
  const general = EXPLANATIONS.filter((rule) => rule.server === server && rule.matches)
  const unexplained = differences.filter((difference) => {
    const rule = general.find((candidate) => candidate.matches?.(difference))
    if (rule !== undefined) {
      used.add(rule.id)
      return false
    }
    const marks = marksOf(difference.group, server)
    for (const mark of marks) {
      used.add(mark)
      needed.add(`${difference.group.lines[0]!.number}: ${mark}`)
    }
    return marks.length === 0
  })
  const certain = (mark: string): boolean =>
    !EXPLANATIONS.some((rule) => rule.id === mark && rule.isSometimes === true)
  const all = groups.flatMap((group) =>
    marksOf(group, server)
      .filter(certain)
      .map((mark) => `${group.lines[0]!.number}: ${mark}`),
  )
  return { unexplained, used, stale: all.filter((mark) => !needed.has(mark)) }
}

function marksOf(group: Group, server: '3.8' | 'ours'): readonly string[] {
  return group.lines
    .flatMap((line) => line.marks)
    .filter((mark) => mark.startsWith(`${server}:`))
    .map((mark) => mark.slice(server.length + 1))
}

/** Marks in scripts that no rule explains. */
export function unknownMarks(script: Script): readonly string[] {
  const known = new Set(EXPLANATIONS.map((rule: Explanation) => `${rule.server}:${rule.id}`))
  return script.lines.flatMap((line) =>
    line.marks.filter((mark) => !known.has(mark)).map((mark) => `${line.number}: ${mark}`),
  )
}
