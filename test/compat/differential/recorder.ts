/** Writes what Apache 3.9.3 answered behind the actions of a script. */
import type { Group } from './runner.ts'
import { summarise } from './summary.ts'

/** The script text with `=> outcome` at every action, replacing what stood there. */
export function recordOutcomes(text: string, groups: readonly Group[]): string {
  const outcomes = outcomesOf(groups)
  return text
    .split('\n')
    .map((line, index) => {
      const outcome = outcomes.get(index + 1)
      return outcome === undefined ? line : `${line.replace(/\s+=> .*$/, '')}  => ${outcome}`
    })
    .join('\n')
}

/** `line number → outcome` of a whole run. */
export function outcomesOf(groups: readonly Group[]): Map<number, string> {
  return new Map(groups.flatMap((group) => [...summarise(group)]))
}
