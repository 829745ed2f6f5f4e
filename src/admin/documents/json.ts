/** A value of a JSON document. Numbers are whole; what is not comes as {@link RawNumber}. */
export type JsonValue =
  | JsonObject
  | RawNumber
  | bigint
  | boolean
  | number
  | readonly JsonValue[]
  | string
  | null

/** Keys come from outside now and then (paths), so this is no object of the language. */
export type JsonObject = ReadonlyMap<string, JsonValue>

/** A number as it is to be written, `0.0` for instance. */
export class RawNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export function jsonObject(entries: Iterable<readonly [string, JsonValue]>): JsonObject {
  return new Map(entries)
}

/**
 * A document as Apache ZooKeeper's admin server writes it (Jackson's default pretty printer): two blanks for each
 * object around, ` : ` between key and value, lists on one line. 64-bit numbers are written with all their digits.
 */
export function renderJson(value: JsonValue): string {
  return render(value, 0)
}

function render(value: JsonValue, depth: number): string {
  if (typeof value === 'string') return quote(value)
  if (value instanceof RawNumber) return value.text
  if (value instanceof Map) return renderObject(value, depth)
  if (isList(value)) return renderList(value, depth)
  return String(value)
}

function renderObject(object: JsonObject, depth: number): string {
  if (object.size === 0) return '{ }'
  const indent = '  '.repeat(depth + 1)
  const members = [...object].map(
    ([key, value]) => `${indent}${quote(key)} : ${render(value, depth + 1)}`,
  )
  return `{\n${members.join(',\n')}\n${'  '.repeat(depth)}}`
}

function renderList(values: readonly JsonValue[], depth: number): string {
  if (values.length === 0) return '[ ]'
  return `[ ${values.map((value) => render(value, depth)).join(', ')} ]`
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

/** As the language does it, with the letters of escapes in upper case like Jackson's. */
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /\\u([0-9a-f]{4})/g,
    (_, digits) => `\\u${digits.toUpperCase()}`,
  )
}
