import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { buffer, Op, readBody, WireClient } from '../../../bench/client/index.ts'
import type { Ensemble, ServerKind } from '../../../bench/servers/index.ts'
import { Run } from '../../cli/support/zabkeeper.ts'
import { skipWithoutServers, withEnsemble } from './support/index.ts'

/* Who belongs to the ensemble, as the znode /zookeeper/config of every server says it: ours as the original. */

const CONFIG = '/zookeeper/config'
const STAT_BYTES = 68
const LIMIT_MS = '60000'
/** Behind czxid, mzxid and ctime. */
const MTIME_AT = 24
const KINDS: readonly ServerKind[] = ['apache-3.8', 'zabkeeper', 'apache-3.9']
/** Without the word conf, so that commands have only the znode to read. */
const ENSEMBLE_CONFIG = ['4lw.commands.whitelist=srvr']

/** The replies of one server in hex, but for the mtime, which is some time since the start. */
async function replies(ensemble: Ensemble, id: number, sinceMs: number): Promise<string[]> {
  const client = await WireClient.open({ port: ensemble.member(id).port })
  const text = Buffer.from(`${ensemble.serverLines.join('\n')}\nversion=0`)
  const answered: string[] = []
  for (const [op, body] of [
    [Op.getData, readBody(CONFIG, false)],
    [Op.exists, readBody(CONFIG, false)],
    [Op.getAcl, buffer(CONFIG)],
  ] as const) {
    const reply = await client.request(op, body)
    const mtimeAt = reply.body.length - STAT_BYTES + MTIME_AT
    const mtime = Number(reply.body.readBigInt64BE(mtimeAt))
    expect(mtime).toBeGreaterThanOrEqual(sinceMs)
    expect(mtime).toBeLessThanOrEqual(Date.now())
    reply.body.writeBigInt64BE(0n, mtimeAt)
    const hex = reply.body.toString('hex')
    if (op === Op.getData) expect(hex).toContain(text.toString('hex'))
    answered.push(`${reply.err} ${hex.replace(text.toString('hex'), 'TEXT')}`)
  }
  await client.close()
  return answered
}

/** What a command that is given the address of one server says. */
async function say(port: number, ...words: readonly string[]): Promise<string> {
  const run = new Run(
    words.map((word) => word.replace('SERVER', `127.0.0.1:${port}`)),
    {
      cwd: tmpdir(),
    },
  )
  const { stdout, stderr, code } = await run.ended
  expect([stderr, code]).toEqual(['', 0])
  return stdout
}

const isSkipped = skipWithoutServers(...KINDS)

test.skipIf(isSkipped)('the same in servers of each kind', { timeout: 240_000 }, async () => {
  const sinceMs = Date.now()
  const members = KINDS.map((kind) => ({ kind }))
  await withEnsemble({ members, config: ENSEMBLE_CONFIG }, async (ensemble) => {
    const [first, ...others] = [
      await replies(ensemble, 1, sinceMs),
      await replies(ensemble, 2, sinceMs),
      await replies(ensemble, 3, sinceMs),
    ]
    expect(others).toEqual([first, first])
    const { port } = ensemble.member(2)
    const clients = ensemble.ports.map((one) => `127.0.0.1:${one}`)
    const listed = await say(
      port,
      'members',
      '--json',
      '--timeout',
      LIMIT_MS,
      '--servers',
      'SERVER',
    )
    expect(JSON.parse(listed).map(({ client }: { client: string }) => client)).toEqual(clients)
    const printed = await say(
      port,
      'cli',
      '--json',
      '--connect-timeout',
      LIMIT_MS,
      '-server',
      'SERVER',
      'config',
      '-c',
    )
    expect(JSON.parse(printed)).toEqual({ version: '0', addresses: clients })
  })
})
