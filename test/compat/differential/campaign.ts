/** Random scripts against two servers until one differs; a failing one is cut down to what is needed to fail. */
import type { ServerKind } from '../../../bench/servers/index.ts'
import { compareRuns, type Difference, formatDifference } from './compare.ts'
import { generateScript } from './generator.ts'
import { runScript } from './runner.ts'
import { parseScript, ScriptError } from './script.ts'
import { withServer } from './servers.ts'

export interface CampaignResult {
  readonly actions: number
  readonly episodes: number
  /** The first failing script, cut down, with its differences; undefined when there was none. */
  readonly failure: string | undefined
}

const ACTIONS_PER_EPISODE = 1000
const SHRINK_MS = 60_000

/** Seeds go up by one from episode to episode, so a failure is repeated by its own seed and one episode. */
export async function runCampaign(
  seed: number,
  actions: number,
  other: ServerKind,
): Promise<CampaignResult> {
  let done = 0
  let episodes = 0
  while (done < actions) {
    const size = Math.min(ACTIONS_PER_EPISODE, actions - done)
    const script = generateScript(seed + episodes, size)
    if (await differs(script.text, other, seed + episodes)) {
      console.error(`differs: seed ${seed + episodes}, ${size} actions; cutting the script down`)
      const failure = await explainFailure(script.text, other, seed + episodes, size)
      return { actions: done, episodes, failure }
    }
    done += script.actions
    episodes += 1
  }
  return { actions: done, episodes, failure: undefined }
}

/** A difference counts when it comes twice: see examine() for what a stalling machine does. */
async function differs(text: string, other: ServerKind, seed: number): Promise<boolean> {
  try {
    const [first] = await compareText(text, other)
    if (first === undefined) return false
    console.warn(`seed ${seed} is run again because of\n${formatDifference(first)}`)
  } catch (error) {
    console.warn(`seed ${seed} is run again because of`, error)
  }
  return (await compareText(text, other)).length > 0
}

/** Runs a script text against both servers at once. */
export async function compareText(text: string, other: ServerKind): Promise<readonly Difference[]> {
  const script = parseScript('random', text)
  const [reference, run] = await Promise.all(
    (['apache-3.9', other] as const).map((kind) =>
      withServer(kind, script.profile, (port) => runScript(script, port)),
    ),
  )
  return compareRuns(reference!, run!)
}

async function explainFailure(
  text: string,
  other: ServerKind,
  seed: number,
  actions: number,
): Promise<string> {
  const lines = await shrink(text.split('\n'), other)
  const differences = await compareText(lines.join('\n'), other)
  return [
    `seed ${seed}, ${actions} actions; cut down to ${lines.length - 1}:`,
    ...lines,
    '',
    ...differences.slice(0, 10).map(formatDifference),
  ].join('\n')
}

/** Nothing behind the first difference is needed for it. */
async function untilFirstDifference(
  lines: readonly string[],
  other: ServerKind,
): Promise<readonly string[]> {
  const [first] = await compareText(lines.join('\n'), other)
  return first === undefined ? lines : lines.slice(0, first.group.lines.at(-1)!.number)
}

/** Removes ever smaller pieces as long as the rest still fails, for a minute. */
async function shrink(all: readonly string[], other: ServerKind): Promise<readonly string[]> {
  let lines: readonly string[] = await untilFirstDifference(all, other)
  const deadline = Date.now() + SHRINK_MS
  const fails = async (candidate: readonly string[]): Promise<boolean> => {
    try {
      return (await compareText(candidate.join('\n'), other)).length > 0
    } catch (error) {
      if (error instanceof ScriptError) return false
      throw error
    }
  }
  for (let size = Math.ceil(lines.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = lines.length - size; at >= 1 && Date.now() < deadline; at -= size) {
      const candidate = [...lines.slice(0, at), ...lines.slice(at + size)]
      if (await fails(candidate)) lines = candidate
      at = Math.min(at, lines.length)
    }
  }
  return lines
}
