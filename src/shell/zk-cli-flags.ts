/** The flags of zkCli and what they are called here; those with a value are listed apart. */
const PLAIN: ReadonlyMap<string, string> = new Map([
  ['-r', '--read-only'],
  ['-waitforconnection', '--wait-for-connection'],
])
const VALUED: ReadonlyMap<string, readonly string[]> = new Map([
  ['-server', ['--servers']],
  ['--server', ['--servers']],
  ['-timeout', ['--session-timeout', '--connect-timeout']],
  ['--timeout', ['--session-timeout', '--connect-timeout']],
  ['-client-configuration', ['--client-configuration']],
])

/** A flag of zkCli without the value it needs. */
export class MissingValueError extends Error {
  override readonly name: string = 'MissingValueError'
}

/**
 * The words behind `zabkeeper cli` with flags of zkCli as flags of ours, and a `--` before the command, whose words may
 * begin with hyphens of their own.
 * @param valued flags of ours that take a value
 * @throws MissingValueError in the words of zkCli
 */
export function zkCliFlags(words: readonly string[], valued: ReadonlySet<string>): string[] {
  const flags: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--') return [...flags, ...words.slice(at)]
    if (!word.startsWith('-') || word === '-') return [...flags, '--', ...words.slice(at)]
    const names = VALUED.get(word) ?? (valued.has(word) ? [word] : [])
    if (names.length === 0) {
      flags.push(PLAIN.get(word) ?? word)
      continue
    }
    at += 1
    const value = words[at]
    if (value === undefined) throw new MissingValueError(`no argument found for option ${word}`)
    for (const name of names) flags.push(name, value)
  }
  return flags
}
