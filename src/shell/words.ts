import { CommandError } from './failures.ts'

/** What separates words. */
const SPACES = ' \t\n\v\f\r'

/**
 * Splits a command line into words: white space separates them, a word that begins with a quote ends with the next
 * quote of its kind and may contain white space and the other kind. There are no escapes, and quotes inside a word
 * belong to it, as in zkCli.
 * @throws CommandError when a quote is not closed
 */
export function splitWords(line: string): string[] {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (at < line.length && SPACES.includes(line[at]!)) at += 1
    if (at === line.length) return words
    const quote = line[at]!
    if (quote === '"' || quote === "'") {
      const end = line.indexOf(quote, at + 1)
      if (end === -1) {
        const message = `The quote ${quote} at character ${at + 1} is not closed`
        throw new CommandError('BAD_QUOTING', message)
      }
      words.push(line.slice(at + 1, end))
      at = end + 1
    } else {
      const start = at
      while (at < line.length && !SPACES.includes(line[at]!)) at += 1
      words.push(line.slice(start, at))
    }
  }
}

/** The word that is being written at the end of a line, and whether it begins with a quote. */
export function lastWord(line: string): { readonly text: string; readonly quote: string } {
  let at = 0
  for (;;) {
    while (at < line.length && SPACES.includes(line[at]!)) at += 1
    if (at === line.length) return { text: '', quote: '' }
    const quote = line[at]!
    if (quote === '"' || quote === "'") {
      const end = line.indexOf(quote, at + 1)
      if (end === -1) return { text: line.slice(at + 1), quote }
      at = end + 1
    } else {
      const start = at
      while (at < line.length && !SPACES.includes(line[at]!)) at += 1
      if (at === line.length) return { text: line.slice(start), quote: '' }
    }
  }
}
