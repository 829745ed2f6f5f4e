import { KEYS } from './keys.ts'

interface Candidate {
  readonly name: string
  readonly letters: number
  readonly key: string
}

/** In small letters, with the key as it is written. */
const CANDIDATES: readonly Candidate[] = KEYS.flatMap(({ key, aliases }) =>
  [key, ...aliases].map((name) => {
    const small = name.toLowerCase()
    return { name: small, letters: lettersOf(small), key }
  }),
)
/** Longer ones are no slips. */
const NAME_MAX = 80

/** The key that a name is a slip of, or null: one wrong letter in four at most, whatever the case. */
export function suggestKey(name: string): string | null {
  const plain = name.replace(/^zookeeper\./, '').toLowerCase()
  if (plain.length < 3 || plain.length > NAME_MAX) return null
  let best: string | null = null
  let distance = Math.max(1, Math.floor(plain.length / 4)) + 1
  const letters = lettersOf(plain)
  for (const { name: candidate, letters: others, key } of CANDIDATES) {
    if (Math.abs(candidate.length - plain.length) >= distance) continue
    // Each letter that only one of them has costs a change.
    if (Math.max(bitCount(letters & ~others), bitCount(others & ~letters)) >= distance) continue
    const found = editDistance(plain, candidate, distance)
    if (found >= distance) continue
    distance = found
    best = key
  }
  return best
}

/** The letters that are in a name, a bit for each. */
function lettersOf(name: string): number {
  let letters = 0
  for (let i = 0; i < name.length; i += 1) letters |= 1 << (name.charCodeAt(i) & 31)
  return letters
}

function bitCount(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1
  return count
}

/** Letters to insert, remove, replace or swap with their neighbour; `limit` for any number from there on. */
function editDistance(a: string, b: string, limit: number): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    let least = i
    for (let j = 1; j <= b.length; j += 1) {
      const change = a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1
      let cost = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + change)
      if (change === 1 && isSwap(a, i, b, j)) cost = Math.min(cost, before[j - 2]! + 1)
      row.push(cost)
      if (cost < least) least = cost
    }
    // Rows only grow, but for a swap, which looks back two.
    if (least > limit) return limit
    before = previous
    previous = row
  }
  return previous[b.length]!
}

function isSwap(a: string, i: number, b: string, j: number): boolean {
  return i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
}
