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
  readonly line: number
}

/** The keys of one file, sorted into known and unknown ones; the last duplicate counts. */
export class Settings {
  readonly file: string
  readonly known: readonly Setting[]
  readonly unknown: readonly Property[]
  /** Settings that an earlier line gave already. */
  readonly repeated: readonly Setting[]
  readonly #bySpec = new Map<string, Setting>()

  constructor(text: string, file: string) {
    this.file = file
    const unknown = new Map<string, Property>()
    const repeated: Setting[] = []
    for (const property of readProperties(text, file)) {
      const spec = findKey(property.key)
      if (spec === undefined) {
        unknown.set(property.key, property)
        continue
      }
      const setting = { spec, name: property.key, value: property.value, line: property.line }
      const id = isFamily(spec) ? withoutPrefix(property.key) : spec.key
      if (this.#bySpec.has(id)) repeated.push(setting)
      this.#bySpec.set(id, setting)
    }
    this.known = [...this.#bySpec.values()]
    this.unknown = [...unknown.values()]
    this.repeated = repeated
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

  /** Checks that every known value is written as its kind demands. */
  checkKinds(): void {
    for (const setting of this.known) {
      const wrong = kindFault(setting)
      if (wrong !== null) throw this.refuse(setting, wrong)
    }
  }

  refuse(setting: Setting, reason: string): ConfigError {
    return new ConfigError(this.file, setting.line, setting.name, reason)
  }
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
