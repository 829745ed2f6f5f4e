import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fourLetterWord } from '../../../bench/servers/index.ts'
import { connect } from '../../../src/client-node/index.ts'
import { Program, skipWithout } from '../clients/support/index.ts'
import { withEnsemble } from '../ensemble/support/index.ts'
import { zktop } from './support/index.ts'

// A terminal of which ncurses neither shortens repeated characters nor knows the size.
const TERMINAL = { TERM: 'linux', LINES: '30', COLUMNS: '100' }
const ENSEMBLE = Array.from({ length: 3 }, () => ({ kind: 'zabkeeper' as const }))
const SAME_MS = 60_000

test.skipIf(skipWithout(await zktop()))(
  'zktop shows what each server of an ensemble does',
  { timeout: 300_000 },
  async () => {
    // No election behind the first, also where a server stands still for a while.
    const config = ['syncLimit=120']
    await withEnsemble({ members: ENSEMBLE, config }, async ({ members, ports }) => {
      // Asked before zktop asks: a server counts who asks among its connections.
      const roles = await Promise.all(members.map((member) => member.role()))
      const client = await connect(`127.0.0.1:${ports[1]}`)
      await client.ensurePath('/shown/by/zktop')
      const { zxid, znodes } = await sameState(ports)
      const servers = ports.map((port) => `127.0.0.1:${port}`).join(',')
      const screen = new Program(
        'script',
        ['--quiet', '--flush', '--return', '--command', `zktop --servers ${servers}`, '/dev/null'],
        { env: TERMINAL, timeoutMs: 240_000 },
      )
      try {
        for (const [index, role] of roles.entries()) {
          const mode = role === 'leader' ? 'L' : 'F'
          // zktop's own connection, too.
          const connections = index === 1 ? 2 : 1
          // Between: outstanding, received and sent; after it: latencies.
          const line = `${index} 127.0.0.1 ${ports[index]} ${mode} \\d+ \\d+ \\d+ ${connections} \\d+ [\\d.]+ \\d+`
          await shows(screen, new RegExp(line))
        }
        await shows(screen, new RegExp(`nodecount:${znodes} zxid:${zxid} sessions:\\d`))
        screen.writeLine('q', '')
        expect((await screen.finished()).code).toBe(0)
      } finally {
        screen.kill()
        await client.close()
      }
    })
  },
)

/** What is on every server, once that is the same. */
async function sameState(ports: readonly number[]): Promise<{ zxid: string; znodes: string }> {
  const endMs = Date.now() + SAME_MS
  for (;;) {
    const answers = await Promise.all(ports.map((port) => fourLetterWord(port, 'srvr', 20_000)))
    const [first, ...others] = answers.map((answer) => ({
      zxid: /^Zxid: (\S+)$/m.exec(answer)?.[1] ?? '',
      znodes: /^Node count: (\d+)$/m.exec(answer)?.[1] ?? '',
    }))
    if (others.every(({ zxid }) => zxid !== '' && zxid === first!.zxid)) return first!
    if (Date.now() > endMs) throw new Error(`not the same: ${answers.join('\n')}`)
    await sleep(50)
  }
}

/** Waits until something is written, no matter where the cursor was sent in between. */
async function shows(screen: Program, line: RegExp): Promise<void> {
  while (!line.test(textOf(screen.output))) await screen.waitFor(/[\s\S]/, screen.output.length)
}

function textOf(output: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal gets
  return output.replaceAll(/\x1b[[)(][\d;?]*\w|[\s\x0f]/g, ' ').replaceAll(/ +/g, ' ')
}
