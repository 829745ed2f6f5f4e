/** One `key=value` of a properties file. */
export interface Property {
  readonly key: string
  readonly value: string
  /** Where it starts, counted from 1. */
  readonly line: number
}

/** A malformed escape; `line` is counted from 1. */
export class PropertiesError extends Error {
  override readonly name: string = 'PropertiesError'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

const CONTROL_ESCAPES = new Map([
  ['t', '\t'],
  ['n', '\n'],
  ['r', '\r'],
  ['f', '\f'],
])

/**
 * Reads Java properties syntax, which zoo.cfg is written in: `#` and `!` comments, `=`, `:` or white space
 * between key and value, backslash escapes, lines continued by a final backslash. Keys and values are trimmed,
 * as upstream's QuorumPeerConfig does. Repeated keys are kept in order.
 */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1
    let logical = trimStart(lines[i]!)
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue
    while (endsInContinuation(logical) && i + 1 < lines.length) {
      i += 1
      logical = logical.slice(0, -1) + trimStart(lines[i]!)
    }
    if (endsInContinuation(logical)) logical = logical.slice(0, -1)
    properties.push(splitProperty(logical, line))
  }
  return properties
}

function splitProperty(logical: string, line: number): Property {
  const keyEnd = findKeyEnd(logical)
  const key = decodeEscapes(logical.slice(0, keyEnd), line).trim()
  const rest = trimStart(logical.slice(keyEnd))
  const value = rest.startsWith('=') || rest.startsWith(':') ? rest.slice(1) : rest
  return { key, value: decodeEscapes(trimStart(value), line).trim(), line }
}

function findKeyEnd(logical: string): number {
  for (let i = 0; i < logical.length; i++) {
    const char = logical[i]!
    if (char === '\\') i += 1
    else if (char === '=' || char === ':' || isSpace(char)) return i
  }
  return logical.length
}

function endsInContinuation(logical: string): boolean {
  let backslashes = 0
  while (logical[logical.length - 1 - backslashes] === '\\') backslashes += 1
  return backslashes % 2 === 1
}

function decodeEscapes(text: string, line: number): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S])/g, (_, escaped: string) => {
    if (escaped.length === 5) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    if (escaped === 'u')
      throw new PropertiesError(line, 'malformed \\u escape: four hex digits must follow')
    return CONTROL_ESCAPES.get(escaped) ?? escaped
  })
}

function trimStart(text: string): string {
  let start = 0
  while (start < text.length && isSpace(text[start]!)) start += 1
  return text.slice(start)
}

function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\f'
}
