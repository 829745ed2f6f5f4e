import type { ProcessStatus } from '../env/index.ts'
import type { FourLetterWords, ServerStatus, WordControl } from '../server/index.ts'
import { renderDump } from './dump.ts'
import { renderMonitor } from './monitor.ts'
import {
  renderConfiguration,
  renderConnections,
  renderDigests,
  renderDirectories,
  renderEnvironment,
  renderServer,
  renderStat,
} from './texts.ts'
import { renderWatchesByPath, renderWatchesBySession, renderWatchSummary } from './watch-texts.ts'

/** One word that an operator may send instead of a handshake. */
export interface FourLetterCommand {
  readonly word: string
  /** The answer of a server that is not serving; null for upstream's sentence. */
  readonly whileNotServing: 'same' | string | null
  render(
    status: ServerStatus,
    readHost: () => ProcessStatus,
    control: WordControl,
    mask: bigint | null,
  ): string
}

const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n'

/** All words of the reference. */
export const FOUR_LETTER_COMMANDS: readonly FourLetterCommand[] = [
  { word: 'ruok', whileNotServing: 'same', render: () => 'imok' },
  { word: 'srvr', whileNotServing: null, render: renderServer },
  { word: 'stat', whileNotServing: null, render: renderStat },
  { word: 'mntr', whileNotServing: null, render: (s, readHost) => renderMonitor(s, readHost()) },
  { word: 'conf', whileNotServing: null, render: renderConfiguration },
  { word: 'cons', whileNotServing: null, render: renderConnections },
  { word: 'isro', whileNotServing: 'null', render: (s) => (s.isReadOnly ? 'ro' : 'rw') },
  { word: 'envi', whileNotServing: 'same', render: (_, readHost) => renderEnvironment(readHost()) },
  { word: 'dirs', whileNotServing: null, render: renderDirectories },
  { word: 'dump', whileNotServing: null, render: renderDump },
  { word: 'wchs', whileNotServing: null, render: renderWatchSummary },
  { word: 'wchc', whileNotServing: null, render: renderWatchesBySession },
  { word: 'wchp', whileNotServing: null, render: renderWatchesByPath },
  // Upstream forgets the line end here, and only here.
  { word: 'hash', whileNotServing: NOT_SERVING.trimEnd(), render: renderDigests },
  { word: 'crst', whileNotServing: null, render: (_, __, control) => resetConnections(control) },
  { word: 'srst', whileNotServing: null, render: (_, __, control) => resetServer(control) },
  { word: 'gtmk', whileNotServing: 'same', render: (_, __, { traceMask }) => `${traceMask}` },
  {
    word: 'stmk',
    whileNotServing: 'same',
    render: (_, __, control, mask) => setTraceMask(control, mask),
  },
]

/** The bytes that telnet sends on interrupt stand in upstream's table of words, under this name. */
const TELNET_CLOSE = 'telnet close'
const TELNET_CLOSE_BYTES = 0xfff4fffd | 0

/** The word that comes with a number. */
const SET_TRACE_MASK = 'stmk'

const COMMANDS: ReadonlyMap<string, FourLetterCommand> = new Map(
  FOUR_LETTER_COMMANDS.map((command) => [command.word, command]),
)

const WORDS: ReadonlyMap<number, string> = new Map([
  ...[...COMMANDS.keys()].map((word) => [firstBytesOf(word), word] as const),
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
  const isAnswered = (word: string): boolean => whitelist === 'all' || whitelist.has(word)
  return {
    recognize: (firstBytes) => WORDS.get(firstBytes) ?? null,
    wantsMask: (word) => word === SET_TRACE_MASK && isAnswered(word),
    answer: (word, status, control, mask) => {
      if (!isAnswered(word)) {
        return `${word} is not executed because it is not in the whitelist.\n`
      }
      const command = COMMANDS.get(word)
      // What telnet sends when it is interrupted is in the table, but says nothing.
      if (command === undefined) return ''
      if (!status.isServing && command.whileNotServing !== 'same') {
        return command.whileNotServing ?? NOT_SERVING
      }
      return command.render(status, readProcess, control, mask)
    },
  }
}

/** Words of a whitelist that there are not. */
export function unansweredWords(whitelist: 'all' | ReadonlySet<string>): string[] {
  return whitelist === 'all' ? [] : [...whitelist].filter((word) => !COMMANDS.has(word))
}

function resetConnections(control: WordControl): string {
  control.resetConnectionStats()
  return 'Connection stats reset.\n'
}

function resetServer(control: WordControl): string {
  control.resetStats()
  return 'Server stats reset.\n'
}

function setTraceMask(control: WordControl, mask: bigint | null): string {
  if (mask !== null) control.traceMask = mask
  return `${control.traceMask}`
}

function firstBytesOf(word: string): number {
  let bytes = 0
  for (let i = 0; i < 4; i++) bytes = (bytes << 8) | word.charCodeAt(i)
  return bytes
}
