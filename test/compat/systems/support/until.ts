import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_MS = 100

/** Waits until something is so. `limitMs` is for a machine with much else to do: it only tells slow from never. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  limitMs: number = 180_000,
): Promise<void> {
  const endMs = Date.now() + limitMs
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`${what}: not so within ${limitMs} ms`)
    await sleep(LOOK_MS)
  }
}
