import path from 'node:path'
import { expect, test } from 'vitest'
import { kazoo, runProgram, skipWithout } from '../clients/support/index.ts'
import { withEnsemble } from '../ensemble/support/index.ts'

const PROGRAM = path.join(import.meta.dirname, 'programs', 'four-letter-words.py')
const ENSEMBLE = Array.from({ length: 3 }, () => ({ kind: 'zabkeeper' as const }))

const peer = await kazoo()

test.skipIf(skipWithout(peer))(
  'kazoo asks each server of an ensemble with the words of its whitelist',
  { timeout: 300_000 },
  async () => {
    // No election behind the first, also where a server stands still for a while.
    const config = ['4lw.commands.whitelist=ruok, srvr, stat, mntr, envi', 'syncLimit=120']
    await withEnsemble({ members: ENSEMBLE, config }, async ({ members, ports }) => {
      const { code, output } = await runProgram(
        peer.found ?? '',
        ['-B', PROGRAM, ...ports.map(String)],
        {
          timeoutMs: 240_000,
        },
      )
      expect(code, output).toBe(0)
      const lines = members.map(async (one) => `${one.port} ${await one.role()} 3.9.3`)
      expect(output.trim().split('\n')).toEqual(await Promise.all(lines))
    })
  },
)
