export type { ProcessStatus } from '../env/index.ts'
export type { FourLetterCommand } from './four-letter-words.ts'
export {
  createFourLetterWords,
  FOUR_LETTER_COMMANDS,
  unansweredWords,
} from './four-letter-words.ts'
export { COUNTERS, SUMMARIES } from './monitor.ts'
export { COMPATIBLE_WITH, RELEASED_ON, VERSION, VERSION_TEXT } from './version.ts'
