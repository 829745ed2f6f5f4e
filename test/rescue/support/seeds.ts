/** `count` seeds, unless the variable says how many; `ZABKEEPER_SEED` is the first. */
export function seedsOf(variable: string, count: number): number[] {
  const first = Number(process.env['ZABKEEPER_SEED'] ?? 1)
  const length = Number(process.env[variable] ?? count)
  return Array.from({ length }, (_, index) => first + index)
}
