import type { ProcessStatus } from '../env/index.ts'
import type { FourLetterWords, ServerStatus } from '../server/index.ts'
import { renderMonitor } from './monitor.ts'
import {
  renderConfiguration,
  renderConnections,
  renderEnvironment,
  renderServer,
  renderStat,
} from './texts.ts'

/** One word that an operator may send instead of a handshake. */
export interface FourLetterCommand {
  readonly word: string
  /** The answer of a server that is not serving; null for upstream's sentence. */
  readonly whileNotServing: 'same' | string | null
  render(status: ServerStatus, host: ProcessStatus): string
}

/** The words this version answers. */
export const FOUR_LETTER_COMMANDS: readonly FourLetterCommand[] = [
  { word: 'ruok', whileNotServing: 'same', render: () => 'imok' },
  { word: 'srvr', whileNotServing: null, render: renderServer },
  { word: 'stat', whileNotServing: null, render: renderStat },
  { word: 'mntr', whileNotServing: null, render: renderMonitor },
  { word: 'conf', whileNotServing: null, render: renderConfiguration },
  { word: 'cons', whileNotServing: null, render: renderConnections },
  { word: 'isro', whileNotServing: 'null', render: (s) => (s.isReadOnly ? 'ro' : 'rw') },
  { word: 'envi', whileNotServing: 'same', render: (_, host) => renderEnvironment(host) },
]

/** The bytes that telnet sends on interrupt stand in upstream's table of words, under this name. */
const TELNET_CLOSE = 'telnet close'
const TELNET_CLOSE_BYTES = 0xfff4fffd | 0

/** Words of the reference that this version does not answer yet: known, so that they get a sentence. */
const OTHER_WORDS = 'crst dirs dump gtmk hash srst stmk wchc wchp wchs'.split(' ')

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n'

const COMMANDS: ReadonlyMap<string, FourLetterCommand> = new Map(
  FOUR_LETTER_COMMANDS.map((command) => [command.word, command]),
)

const WORDS: ReadonlyMap<number, string> = new Map([
  ...[...COMMANDS.keys(), ...OTHER_WORDS].map((word) => [firstBytesOf(word), word] as const),
  [TELNET_CLOSE_BYTES, TELNET_CLOSE],
])

/**
 * Answers the words of `whitelist`, and any other known word with upstream's refusal.
 * `readProcess` is asked when an answer needs it.
 */
export function createFourLetterWords(
  whitelist: 'all' | ReadonlySet<string>,
  readProcess: () => ProcessStatus,
): FourLetterWords {
  return {
    recognize: (firstBytes) => WORDS.get(firstBytes) ?? null,
    answer: (word, status) => {
      if (whitelist !== 'all' && !whitelist.has(word)) {
        return `${word} is not executed because it is not in the whitelist.\n`
      }
      if (word === TELNET_CLOSE) return ''
      const command = COMMANDS.get(word)
      if (command === undefined) return `${word} is not in this version of zabkeeper yet.\n`
      if (!status.isServing && command.whileNotServing !== 'same') {
        return command.whileNotServing ?? NOT_SERVING
      }
      return command.render(status, readProcess())
    },
  }
}

/** Words of a whitelist that will not be answered: unknown, or not in this version yet. */
export function unansweredWords(whitelist: 'all' | ReadonlySet<string>): string[] {
  return whitelist === 'all' ? [] : [...whitelist].filter((word) => !COMMANDS.has(word))
}

function firstBytesOf(word: string): number {
  let bytes = 0
  for (let i = 0; i < 4; i++) bytes = (bytes << 8) | word.charCodeAt(i)
  return bytes
}
