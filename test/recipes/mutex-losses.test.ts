import { expect, test } from 'vitest'
import { Mutex } from '../../recipes/index.ts'
import { everyLoss } from './support/every-loss.ts'
import { Ledger } from './support/ledger.ts'
import type { Member, RecipeStage } from './support/recipe-stage.ts'

/** Each acquires and releases twice, the second time with somebody who gives up in between. */
async function play(stage: RecipeStage, members: readonly Member[]): Promise<void> {
  const ledger = new Ledger()
  const turns = members.map(async ({ zk, host }) => {
    const mutex = new Mutex(zk, '/locks/x')
    for (let turn = 0; turn < 2; turn++) {
      const grant = await mutex.acquire()
      ledger.granted(host, 'exclusive', grant)
      const other = mutex.acquire({ timeoutMs: 50 })
      await expect(other).rejects.toMatchObject({ code: 'TIMEOUT' })
      await grant.release()
    }
  })
  await stage.run(Promise.all(turns))
  expect(ledger.grants).toBe(2 * members.length)
}

test('a mutex bears the loss of every single request', { timeout: 120_000 }, async () => {
  expect(await everyLoss({ members: 2, play })).toBeGreaterThan(40)
})
