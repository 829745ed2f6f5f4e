import { COMMANDS } from './commands/index.ts'
import { childPath } from './paths.ts'
import { lastWord } from './words.ts'

/** What may follow, and the part of the line that it replaces: as `readline` wants it. */
export type Completions = [candidates: string[], replaced: string]

/** Names of the children of a znode; none when it is missing or no server answers. */
export type ListChildren = (path: string) => Promise<readonly string[]>

/** Completes the last word of a line: a path if it begins like one, or the name of a command. */
export async function complete(line: string, list: ListChildren): Promise<Completions> {
  const { text, quote } = lastWord(line)
  if (!text.startsWith('/')) return [completeCommand(line, text, quote), text]
  const slash = text.lastIndexOf('/')
  const parent = slash === 0 ? '/' : text.slice(0, slash)
  const names = await list(parent)
  const begun = text.slice(slash + 1)
  const paths = names
    .filter((name) => name.startsWith(begun))
    .map((name) => childPath(parent, name))
  // What a plain word cannot hold would be several words afterwards.
  const whole = quote === '' ? paths.filter((path) => !/\s/.test(path)) : paths
  return [whole.sort(), text]
}

/** Only the first word of a line is a command. */
function completeCommand(line: string, text: string, quote: string): string[] {
  if (quote !== '' || line.trimStart() !== text) return []
  const names = [...COMMANDS.keys()].filter((name) => name.startsWith(text))
  return names.length === 1 ? [`${names[0]} `] : names
}
