import type { Random } from '../../src/env/index.ts'

const HEX_DIGITS = 8

/** 32 hexadecimal digits, a UUID of version 4 without its dashes; as kazoo names its znodes. */
export function hexId(random: Pick<Random, 'uint32'>): string {
  const [a, b, c, d] = [random.uint32(), random.uint32(), random.uint32(), random.uint32()]
  // Version 4, variant 1 (RFC 9562).
  const words = [a, (b & 0xffff_0fff) | 0x4000, (c & 0x3fff_ffff) | 0x8000_0000, d]
  return words.map((word) => (word >>> 0).toString(16).padStart(HEX_DIGITS, '0')).join('')
}

/** The same with dashes, as Curator names its znodes. */
export function uuid(random: Pick<Random, 'uint32'>): string {
  return hexId(random).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
