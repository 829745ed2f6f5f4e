import { type Property, parseProperties } from '../config/index.ts'

/** What becomes of the list of servers. */
export interface NewMembers {
  readonly ids: ReadonlySet<number>
  /** Stands in the comment above the lines that count no more. */
  readonly note: string
}

const CONTINUED = /(?:^|[^\\])(?:\\\\)*\\$/

/**
 * The text with only these servers in its list. Lines of other servers, of groups and of weights become comments;
 * servers that were observers vote from now on. Everything else stays as it is, to the byte.
 */
export function withMembers(text: string, { ids, note }: NewMembers): string {
  let isNoted = false
  return edited(text, (property, lines) => {
    const id = memberIdOf(property.key)
    if (id !== null && ids.has(id)) return lines.map(withoutObserver)
    if (id === null && !isGone(property)) return lines
    const comment = isNoted ? [] : [`# ${note}`]
    isNoted = true
    return [...comment, ...lines.map((line) => `#${line}`)]
  })
}

/** The text with another file in its line `dynamicConfigFile`. */
export function withDynamicFile(text: string, file: string): string {
  return edited(text, (property, lines) =>
    plainKey(property.key) === 'dynamicConfigFile' ? [`dynamicConfigFile=${escaped(file)}`] : lines,
  )
}

function memberIdOf(key: string): number | null {
  const match = /^server\.(\d+)$/.exec(plainKey(key))
  return match === null ? null : Number(match[1])
}

/** Groups speak of servers that are gone, and so does the role that a line gave to this one. */
function isGone({ key, value }: Property): boolean {
  const plain = plainKey(key)
  return (
    /^(group|weight)\./.test(plain) || (plain === 'peerType' && /^observer$/i.test(value.trim()))
  )
}

function plainKey(key: string): string {
  return key.replace(/^zookeeper\./, '')
}

function withoutObserver(line: string): string {
  return line.replaceAll(/:observer\b/gi, ':participant')
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\')
}

/** Replaces the lines of each property, and leaves the ends of lines as they are. */
function edited(
  text: string,
  change: (property: Property, lines: readonly string[]) => readonly string[],
): string {
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n'
  const lines = text.split(/\r\n|\r|\n/)
  const result: string[] = []
  let next = 0
  for (const property of parseProperties(text)) {
    const first = property.line - 1
    result.push(...lines.slice(next, first))
    next = first + 1
    while (CONTINUED.test(lines[next - 1]!) && next < lines.length) next++
    result.push(...change(property, lines.slice(first, next)))
  }
  return [...result, ...lines.slice(next)].join(lineEnd)
}
