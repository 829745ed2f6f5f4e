import { type Grant, type Hold, thenRelease, type WaitOptions } from './base/index.ts'

/**
 * Takes something, runs `body` while it is held and gives it back whatever happens: what is taken cannot be forgotten
 * (B20). Settles as `body` does, after the release. `body` has to end soon after the grant's signal has aborted.
 *
 * `await whileHeld(new Mutex(zk, '/locks/x'), async ({ signal }) => { … }, { timeoutMs: 5000 })`
 */
export async function whileHeld<T, H extends Hold = Grant>(
  lock: { acquire(options?: WaitOptions): Promise<H> },
  body: (held: H) => Promise<T>,
  options: WaitOptions = {},
): Promise<T> {
  const held = await lock.acquire(options)
  return await thenRelease(held, () => body(held))
}
