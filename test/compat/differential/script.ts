/**
 * The script language: one client action a line.
 *
 *     profile extended                        # first line: which server configuration (servers.ts)
 *     rows: 5.2/create/flags 16/59            # rows of the protocol reference the next lines cover
 *     A connect timeout=30000                 # A, B, … are named connections
 *     A create /a "some data" flags=1  => 0
 *     A| get /a watch                         # `|`: held back and written together with A's next line
 *     A  set /a hex:00ff v=0           => 0 A:changed:/a
 *     A multi { create /m ; check /m v=3 }  ~3.8:some-rule  => [0,-103]
 *
 * After `=>` stands what Apache 3.9.3 answers, in short (summary.ts); the test fails when it does not. `~server:rule`
 * names the rule (explained.ts) that explains why that server differs here. Flags: `!close` waits for the server to
 * close the connection, `!noreply` does not wait long for an answer, `!lossy` drops the answer from the comparison
 * (whether it still gets out is a race), `!unordered` compares the messages of this group as a set.
 */
import type { Bytes, List } from './jute.ts'

export interface Line {
  readonly number: number
  /** The line without mark and expectation, so that it can be printed and run again. */
  readonly text: string
  readonly connection: string
  readonly held: boolean
  readonly op: string
  readonly args: Args
  /** Sub-operations of multi and multiRead. */
  readonly inner: readonly Inner[]
  readonly flags: ReadonlySet<string>
  readonly marks: readonly string[]
  readonly expected: string | null
  readonly rows: readonly string[]
}

export interface Inner {
  readonly op: string
  readonly args: Args
}

export interface Script {
  readonly name: string
  readonly profile: string
  readonly lines: readonly Line[]
}

export class ScriptError extends Error {}

/** Positional words and `key=value` pairs of one action. */
export class Args {
  readonly words: readonly string[]
  private readonly pairs: ReadonlyMap<string, string>

  constructor(tokens: readonly string[]) {
    const words: string[] = []
    const pairs = new Map<string, string>()
    for (const token of tokens) {
      const match = /^([a-zA-Z]+)=(.*)$/s.exec(token)
      if (match === null) words.push(token)
      else pairs.set(match[1]!, match[2]!)
    }
    this.words = words
    this.pairs = pairs
  }

  has(word: string): boolean {
    return this.words.includes(word)
  }

  raw(key: string): string | undefined {
    return this.pairs.get(key)
  }

  word(index: number, fallback?: string): string {
    const word = this.words[index] ?? fallback
    if (word === undefined) throw new ScriptError(`word ${index + 1} is missing`)
    return word
  }

  int(key: string, fallback: number): number {
    const text = this.pairs.get(key)
    if (text === undefined) return fallback
    const value = Number(text)
    if (!Number.isInteger(value)) throw new ScriptError(`${key}=${text} is not an integer`)
    return value
  }

  bytes(key: string, fallback: Bytes): Bytes {
    const text = this.pairs.get(key)
    return text === undefined ? fallback : parseBytes(text)
  }

  wordBytes(index: number, fallback?: Bytes): Bytes {
    const word = this.words[index]
    if (word !== undefined) return parseBytes(word)
    if (fallback === undefined) throw new ScriptError(`word ${index + 1} is missing`)
    return fallback
  }

  list<T>(key: string, element: (text: string) => T): List<T> {
    const text = this.pairs.get(key) ?? ''
    if (text === 'null') return null
    const count = /^count\((-?\d+)\)$/.exec(text)
    if (count !== null) return { count: Number(count[1]) }
    return text === '' ? [] : text.split(',').map(element)
  }
}

/** `null`, `"JSON string"`, `hex:00ff`, `fill:count[:hexByte]`, `~` (also null, inside lists) or a bare word. */
export function parseBytes(text: string): Bytes {
  if (text === 'null' || text === '~') return null
  if (text.startsWith('"')) return Buffer.from(JSON.parse(text) as string)
  if (text.startsWith('hex:')) return Buffer.from(text.slice(4), 'hex')
  const fill = /^fill:(\d+)(?::([0-9a-f]{2}))?$/.exec(text)
  if (fill !== null) return Buffer.alloc(Number(fill[1]), Number.parseInt(fill[2] ?? '00', 16))
  return Buffer.from(text)
}

export function parseScript(name: string, text: string): Script {
  let profile = 'plain'
  let rows: readonly string[] = []
  const lines: Line[] = []
  text.split('\n').forEach((source, index) => {
    const tokens = tokenise(source)
    if (tokens.length === 0) return
    try {
      if (tokens[0] === 'profile') profile = tokens[1] ?? 'plain'
      else if (tokens[0] === 'rows:') rows = tokens.slice(1)
      else lines.push(parseLine(index + 1, tokens, rows))
    } catch (error) {
      throw new ScriptError(`${name}:${index + 1}: ${(error as Error).message}: ${source}`)
    }
  })
  return { name, profile, lines }
}

function parseLine(number: number, tokens: readonly string[], rows: readonly string[]): Line {
  const arrow = tokens.indexOf('=>')
  const action = arrow === -1 ? tokens : tokens.slice(0, arrow)
  const expected = arrow === -1 ? null : tokens.slice(arrow + 1).join(' ')
  const first = action[0]!
  const held = first.endsWith('|')
  const isMark = (token: string): boolean => /^~(3\.8|ours):/.test(token)
  const marks = action.filter(isMark).map((token) => token.slice(1))
  const flags = action.filter((token) => token.startsWith('!'))
  const words = action.filter((token) => !isMark(token))
  const rest = words.slice(2).filter((token) => !token.startsWith('!'))
  const [outer, inner] = splitInner(rest)
  const op = action[1]
  if (op === undefined) throw new ScriptError('no action')
  return {
    number,
    text: words.join(' '),
    connection: held ? first.slice(0, -1) : first,
    held,
    op,
    args: new Args(outer),
    inner,
    flags: new Set(flags.map((flag) => flag.slice(1))),
    marks,
    expected,
    rows,
  }
}

function splitInner(tokens: readonly string[]): [readonly string[], readonly Inner[]] {
  const open = tokens.indexOf('{')
  if (open === -1) return [tokens, []]
  const close = tokens.indexOf('}')
  if (close === -1) throw new ScriptError('{ without }')
  const inner: Inner[] = []
  let current: string[] = []
  const flush = (): void => {
    if (current.length > 0) inner.push({ op: current[0]!, args: new Args(current.slice(1)) })
    current = []
  }
  for (const token of tokens.slice(open + 1, close)) {
    if (token === ';') flush()
    else current.push(token)
  }
  flush()
  return [[...tokens.slice(0, open), ...tokens.slice(close + 1)], inner]
}

/** Splits at blanks outside double quotes; a word starting with `#` ends the line. */
function tokenise(source: string): string[] {
  const tokens: string[] = []
  const word = /(?:"(?:[^"\\]|\\.)*"|[^\s"])+/gs
  for (const match of source.matchAll(word)) {
    if (match[0].startsWith('#')) break
    tokens.push(match[0])
  }
  return tokens
}
