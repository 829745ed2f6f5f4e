import { usageError } from './failures.ts'

const INT_MAX = 0x7fff_ffff

/** The value of a flag that is a whole number of 32 bits. @throws CommandError */
export function readInt(flag: string, text: string, min: number = -INT_MAX - 1): number {
  const value = Number(text)
  if (/^[+-]?\d+$/.test(text) && value >= min && value <= INT_MAX) return value
  throw usageError(`${flag} must be a whole number from ${min} to ${INT_MAX}, not ${quoted(text)}`)
}

/** The version that a znode must have; -1, any, without the flag. @throws CommandError */
export function readVersion(text: string | undefined): number {
  return text === undefined ? -1 : readInt('-v', text)
}

export function quoted(text: string): string {
  return JSON.stringify(text)
}
