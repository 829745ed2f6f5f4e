import { type CommandError, usageError } from './failures.ts'

export interface Flag {
  /** Without the hyphen. */
  readonly name: string
  readonly hasValue?: true
  readonly description: string
}

export interface FlagSet {
  readonly flags: readonly Flag[]
  /** At most one of them may be given, or exactly one. */
  readonly choice?: 'atMostOne' | 'exactlyOne'
}

export const NO_FLAGS: FlagSet = { flags: [] }

/** What a command was given. */
export class Arguments {
  /** The words that are neither flags nor their values. */
  readonly operands: readonly string[]
  readonly #flags: ReadonlyMap<string, readonly string[]>

  constructor(operands: readonly string[], flags: ReadonlyMap<string, readonly string[]>) {
    this.operands = operands
    this.#flags = flags
  }

  has(flag: string): boolean {
    return this.#flags.has(flag)
  }

  /** The first value of a flag. */
  value(flag: string): string | undefined {
    return this.#flags.get(flag)?.[0]
  }

  values(flag: string): readonly string[] {
    return this.#flags.get(flag) ?? []
  }
}

/**
 * Reads the words behind a command by the rules of commons-cli's `DefaultParser`, which zkCli uses: flags may stand
 * anywhere, `-sw` is `-s -w`, `-v3` and `-v=3` are `-v 3`, `--` ends the flags, and a value may begin with a hyphen if it is
 * no flag.
 * @throws CommandError with the texts of that parser
 */
export function parseArguments(words: readonly string[], { flags, choice }: FlagSet): Arguments {
  const reader = new Reader(flags, choice !== undefined)
  for (const word of words) reader.take(word)
  reader.end()
  if (choice === 'exactlyOne' && reader.found.size === 0) {
    const names = flags.map(({ name, description }) => `-${name} ${description}`)
    throw parserError('MissingOptionException', `Missing required option: [${names.join(', ')}]`)
  }
  return new Arguments(reader.operands, reader.found)
}

class Reader {
  readonly operands: string[] = []
  readonly found: Map<string, string[]> = new Map()
  readonly #flags: ReadonlyMap<string, Flag>
  readonly #isChoice: boolean
  /** The flag whose value comes next. */
  #open: Flag | null = null
  #areFlagsOver = false

  constructor(flags: readonly Flag[], isChoice: boolean) {
    this.#flags = new Map(flags.map((flag) => [flag.name, flag]))
    this.#isChoice = isChoice
  }

  take(word: string): void {
    if (this.#areFlagsOver) this.operands.push(word)
    else if (word === '--') this.#areFlagsOver = true
    else if (this.#open !== null && this.#isValue(word)) this.#give(word)
    else if (word.startsWith('-') && word.length > 1) this.#takeFlag(word)
    else this.operands.push(word)
  }

  end(): void {
    if (this.#open === null) return
    const message = `Missing argument for option: ${this.#open.name}`
    throw parserError('MissingArgumentException', message)
  }

  #takeFlag(word: string): void {
    const text = word.slice(1)
    const whole = this.#flags.get(text)
    if (whole !== undefined) {
      this.#begin(whole)
      return
    }
    const equals = text.indexOf('=')
    if (equals > 0) {
      const flag = this.#flags.get(text.slice(0, equals))
      if (flag?.hasValue === undefined) throw unknown(word)
      this.#begin(flag)
      this.#give(text.slice(equals + 1))
      return
    }
    for (let at = 0; at < text.length; at++) {
      const flag = this.#flags.get(text[at]!)
      if (flag === undefined) throw unknown(word)
      this.#begin(flag)
      if (flag.hasValue !== undefined && at + 1 < text.length) {
        this.#give(text.slice(at + 1))
        return
      }
    }
  }

  #begin(flag: Flag): void {
    this.end()
    const [other] = this.found.keys()
    if (this.#isChoice && other !== undefined && other !== flag.name) {
      const message = `The option '${flag.name}' was specified but an option from this group has already been selected: '${other}'`
      throw parserError('AlreadySelectedException', message)
    }
    if (!this.found.has(flag.name)) this.found.set(flag.name, [])
    if (flag.hasValue !== undefined) this.#open = flag
  }

  #give(value: string): void {
    this.found.get(this.#open!.name)!.push(value)
    this.#open = null
  }

  /** A number with a sign, or anything that does not begin like one of the flags. */
  #isValue(word: string): boolean {
    if (!word.startsWith('-') || word.length === 1) return true
    if (word.trim() !== '' && Number.isFinite(Number(word))) return true
    const name = word.slice(1).split('=', 1)[0]!
    return !(this.#flags.has(name) || this.#flags.has(name.slice(0, 1)))
  }
}

function unknown(word: string): CommandError {
  return parserError('UnrecognizedOptionException', `Unrecognized option: ${word}`)
}

function parserError(kind: string, message: string): CommandError {
  return usageError(message, `org.apache.commons.cli.${kind}: ${message}`)
}
