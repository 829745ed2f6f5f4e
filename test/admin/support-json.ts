import { readFileSync } from 'node:fs'
import { type JsonValue, RawNumber } from '../../src/admin/index.ts'

/** Reads a JSON text and keeps what the language would lose: the order of keys and the text of numbers. */
export function parseJson(text: string): JsonValue {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s[\]{}:,"]+/g) ?? []
  let at = 0
  const value = (): JsonValue => {
    const token = tokens[at++]!
    if (token === '{') return object()
    if (token === '[') return list()
    if (token.startsWith('"')) return JSON.parse(token) as string
    if (token === 'null') return null
    if (token === 'true' || token === 'false') return token === 'true'
    return new RawNumber(token)
  }
  const object = (): JsonValue => {
    const members = new Map<string, JsonValue>()
    while (tokens[at] !== '}') {
      if (tokens[at] === ',') at++
      const key = JSON.parse(tokens[at++]!) as string
      at++
      members.set(key, value())
    }
    at++
    return members
  }
  const list = (): JsonValue => {
    const values: JsonValue[] = []
    while (tokens[at] !== ']') {
      if (tokens[at] === ',') at++
      values.push(value())
    }
    at++
    return values
  }
  return value()
}

/** What the admin server of a real Apache ZooKeeper answered, by command. */
export function captured(name: string): ReadonlyMap<string, string> {
  const text = readFileSync(new URL(`testdata/admin-${name}.txt`, import.meta.url), 'utf8')
  const sections = text.split(/^== (\S+)\n/m).slice(1)
  const answers = new Map<string, string>()
  for (let i = 0; i < sections.length; i += 2) {
    answers.set(sections[i]!, sections[i + 1]!.replace(/\n$/, ''))
  }
  return answers
}

/** Objects whose keys are ids or paths: any number of equal values. */
const MAPS = new Set([
  'expiry_time_to_session_ids',
  'session_id_to_ephemeral_paths',
  'session_id_to_watched_paths',
  'path_to_session_ids',
  'current_config',
])
/** Its keys come in another order from build to build. */
const UNORDERED = new Set(['server_stats'])

/**
 * Where two documents differ in their keys, the order of these, or the kinds of values; null when they do not. An empty
 * list or map says nothing of what would be in it.
 */
export function shapeDifference(a: JsonValue, b: JsonValue, key = 'document'): string | null {
  const kinds = [kindOf(a), kindOf(b)]
  if (kinds[0] !== kinds[1]) return `${key}: ${kinds.join(', not ')}`
  if (a instanceof Map && b instanceof Map) {
    if (MAPS.has(key)) return firstDifference([...a.values()], [...b.values()], key)
    const names: [string[], string[]] = [[...a.keys()], [...b.keys()]]
    if (UNORDERED.has(key)) for (const list of names) list.sort()
    if (names[0].join() !== names[1].join()) return `${key}: ${names.join('; not ')}`
    for (const name of names[0]) {
      const found = shapeDifference(a.get(name)!, b.get(name)!, name)
      if (found !== null) return found
    }
  }
  if (Array.isArray(a) && Array.isArray(b)) return firstDifference(a, b, key)
  return null
}

function firstDifference(
  a: readonly JsonValue[],
  b: readonly JsonValue[],
  key: string,
): string | null {
  const [first] = a
  const [other] = b
  return first === undefined || other === undefined
    ? null
    : shapeDifference(first, other, `one of ${key}`)
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'null'
  if (value instanceof RawNumber) return value.text.includes('.') ? 'decimal' : 'whole number'
  if (value instanceof Map) return 'object'
  return Array.isArray(value) ? 'list' : typeof value
}
