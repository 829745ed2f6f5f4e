import { unreachable } from '../base/index.ts'
import { ConfigError } from './config-error.ts'
import type { KeySpec } from './keys.ts'
import { findKey } from './keys.ts'
import type { Property } from './properties.ts'
import { PropertiesError, parseProperties } from './properties.ts'

/** A setting whose key is known, with its value as written. */
export interface Setting {
  readonly spec: KeySpec
  readonly name: string
  readonly value: string
  /** The file, or what else it was given in. */
  readonly source: string
  /** Null outside of files. */
  readonly line: number | null
}

/** A name that is no key of ZooKeeper's. */
export type UnknownSetting = Omit<Setting, 'spec' | 'value'>

/** Properties that were given outside of the file, such as Java's `-D` flags. */
export interface PropertySource {
  /** For messages: `JVMFLAGS`. */
  readonly name: string
  readonly properties: readonly { readonly key: string; readonly value: string }[]
}

/**
 * The keys of one file, and those given beside it, sorted into known and unknown ones. The last duplicate counts, and
 * the file counts more than what was given beside it: upstream sets its system properties while it reads the file.
 */
export class Settings {
  readonly file: string
  readonly known: readonly Setting[]
  readonly unknown: readonly UnknownSetting[]
  /** Settings that an earlier line gave already. */
  readonly repeated: readonly Setting[]
  /** Settings from outside of the file that a stronger one takes the place of. */
  readonly overruled: readonly Setting[]
  readonly #bySpec = new Map<string, Setting>()

  /** @param beside the later ones are stronger. */
  constructor(text: string, file: string, beside: readonly PropertySource[] = []) {
    this.file = file
    const unknown = new Map<string, UnknownSetting>()
    const repeated: Setting[] = []
    const overruled: Setting[] = []
    for (const { key: name, value, source, line } of allProperties(text, file, beside)) {
      const spec = findKey(name)
      if (spec === undefined) {
        unknown.set(name, { name, source, line })
        continue
      }
      const setting = { spec, name, value, source, line }
      const id = isFamily(spec) ? withoutPrefix(name) : spec.key
      const earlier = this.#bySpec.get(id)
      if (earlier?.line === null) overruled.push(earlier)
      else if (earlier !== undefined) repeated.push(setting)
      // In the place of the one that counts.
      this.#bySpec.delete(id)
      this.#bySpec.set(id, setting)
    }
    this.known = [...this.#bySpec.values()]
    this.unknown = [...unknown.values()]
    this.repeated = repeated
    this.overruled = overruled
  }

  /** The members of a family such as `server.N`, in file order, with the part after the dot. */
  family(key: string): { readonly suffix: string; readonly setting: Setting }[] {
    return this.known
      .filter((setting) => setting.spec.key === key)
      .map((setting) => ({ suffix: withoutPrefix(setting.name).replace(/^[^.]*\./, ''), setting }))
  }

  find(key: string): Setting | undefined {
    return this.#bySpec.get(key)
  }

  text(key: string): string | undefined {
    const value = this.find(key)?.value
    return value === '' ? undefined : value
  }

  /** An integer inside a range; `fallback` when the key is absent. */
  integer(key: string, fallback: number, min: number, max: number): number {
    const setting = this.find(key)
    if (setting === undefined) return fallback
    const value = Number(setting.value)
    if (value < min || value > max) {
      throw this.refuse(setting, `${setting.value} is outside ${min} to ${max}`)
    }
    return value
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.find(key)?.value.toLowerCase()
    return value === undefined ? fallback : value === 'true' || value === 'yes'
  }

  /** One for every known value that is not written as its kind demands. */
  kindFaults(): ConfigError[] {
    return this.known.flatMap((setting) => {
      const wrong = kindFault(setting)
      return wrong === null ? [] : [this.refuse(setting, wrong)]
    })
  }

  refuse(setting: Setting, reason: string): ConfigError {
    return new ConfigError(setting.source, setting.line, setting.name, reason)
  }
}

/** Where it was given, and its name: `zoo.cfg:3: tickTime`. */
export function placeOf({ source, line, name }: UnknownSetting): string {
  return line === null ? `${source}: ${name}` : `${source}:${line}: ${name}`
}

const INTEGER = /^[+-]?(\d+|0x[0-9a-f]+)$/i
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const HOURS = /^\d+(ms|s|m|h|d)?$/

function kindFault({ spec, value }: Setting): string | null {
  switch (spec.kind) {
    case 'boolean':
      return /^(true|false)$/i.test(value) ? null : `'${value}' must be true or false`
    case 'yes-no':
      return /^(yes|no)$/.test(value) ? null : `'${value}' must be yes or no`
    case 'integer':
      return INTEGER.test(value) && Number.isSafeInteger(Number(value))
        ? null
        : `'${value}' must be a whole number`
    case 'port':
      return /^-?\d+$/.test(value) && Number(value) >= -1 && Number(value) <= 65_535
        ? null
        : `'${value}' must be a port from 1 to 65535`
    case 'decimal':
      return DECIMAL.test(value) ? null : `'${value}' must be a number`
    case 'hours':
      return HOURS.test(value)
        ? null
        : `'${value}' must be a number of hours, or a number with one of ms, s, m, h, d`
    case 'path':
      return value.includes('\0') ? 'a path must not contain a zero byte' : null
    case 'text':
      return null
    default:
      return unreachable(spec.kind)
  }
}

function allProperties(
  text: string,
  file: string,
  beside: readonly PropertySource[],
): (Omit<Property, 'line'> & { readonly source: string; readonly line: number | null })[] {
  const outside = beside.flatMap(({ name, properties }) =>
    properties.map((property) => ({ ...property, source: name, line: null })),
  )
  const inside = readProperties(text, file).map((property) => ({ ...property, source: file }))
  return [...outside, ...inside]
}

function readProperties(text: string, file: string): Property[] {
  try {
    return parseProperties(text)
  } catch (error) {
    if (error instanceof PropertiesError) throw new ConfigError(file, error.line, '', error.message)
    throw error
  }
}

function isFamily(spec: KeySpec): boolean {
  return /\.[NX]$/.test(spec.key)
}

function withoutPrefix(name: string): string {
  return name.startsWith('zookeeper.') ? name.slice('zookeeper.'.length) : name
}
