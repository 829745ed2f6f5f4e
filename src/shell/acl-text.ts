import { type Acl, PERMS } from '../client-node/index.ts'
import { CommandError, keeperError } from './failures.ts'

/** The order in which they are shown. */
const LETTERS: readonly (readonly [letter: string, perm: number])[] = [
  ['c', PERMS.create],
  ['d', PERMS.delete],
  ['r', PERMS.read],
  ['w', PERMS.write],
  ['a', PERMS.admin],
]

/**
 * Reads `scheme:id:perms,scheme:id:perms`; an id may contain colons.
 * @throws CommandError when any of it cannot be read: half an ACL is another one
 */
export function parseAcl(text: string): Acl[] {
  const entries = text.split(',').filter((entry) => entry !== '')
  const malformed = entries.filter((entry) => entry.indexOf(':') === entry.lastIndexOf(':'))
  if (entries.length === 0 || malformed.length > 0) {
    throw invalidAcl(malformed.map((entry) => `${entry} does not have the form scheme:id:perm`))
  }
  const unknown = entries.flatMap((entry) =>
    [...permsOf(entry)].filter((letter) => !LETTERS.some(([known]) => known === letter)),
  )
  if (unknown.length > 0) throw invalidAcl(unknown.map((letter) => `Unknown perm type: ${letter}`))
  return entries.map((entry) => {
    const letters = permsOf(entry)
    const perms = LETTERS.reduce(
      (sum, [letter, perm]) => (letters.includes(letter) ? sum | perm : sum),
      0,
    )
    const first = entry.indexOf(':')
    const id = entry.slice(first + 1, entry.lastIndexOf(':'))
    return { perms, scheme: entry.slice(0, first), id }
  })
}

/** `cdrwa` */
export function permsText(perms: number): string {
  return LETTERS.filter(([, perm]) => (perms & perm) !== 0)
    .map(([letter]) => letter)
    .join('')
}

/** The two lines of an entry, as Jute prints a record. */
export function aclLines({ scheme, id, perms }: Acl): string[] {
  return [`'${escaped(scheme)},'${escaped(id)}`, `: ${permsText(perms)}`]
}

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ['\0', '%00'],
  ['\n', '%0A'],
  ['\r', '%0D'],
  [',', '%2C'],
  ['}', '%7D'],
  ['%', '%25'],
])

function escaped(text: string): string {
  return text.replace(/[\0\n\r,}%]/g, (char) => ESCAPED.get(char)!)
}

function permsOf(entry: string): string {
  return entry.slice(entry.lastIndexOf(':') + 1)
}

function invalidAcl(lines: readonly string[]): CommandError {
  const sentence = 'Acl is not valid : null'
  const message = lines.length === 0 ? sentence : lines.join(', ')
  return new CommandError('INVALID_ACL', message, {
    lines: [...lines, keeperError('InvalidACL', null), sentence],
  })
}
