import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Ensemble, fourLetterWord } from '../../../bench/servers/index.ts'
import { EXIT } from '../../../src/cli/index.ts'
import { connect } from '../../../src/client-node/index.ts'
import { type Ending, Run } from '../../cli/support/zabkeeper.ts'
import { readText } from '../../tidy/source-files.ts'
import { skipWithoutServers, withEnsemble } from '../ensemble/support/index.ts'

/* The page's examples on two servers of ours and one of Apache; then what is left of them when two have gone. */

const PAGE = readText('docs/cluster-commands.md')
const ANSWER_MS = 30_000
const TIME = ['--timeout', String(ANSWER_MS)]

interface Example {
  readonly words: readonly string[]
  readonly output: string
}

const examples = [...PAGE.matchAll(/^```console\n\$ zabkeeper (.*)\n([\s\S]*?)^```$/gm)].map(
  ([, command, output]): Example => ({ words: command!.split(' '), output: output! }),
)

const isSkipped = skipWithoutServers('zabkeeper', 'apache-3.8')

test.skipIf(isSkipped)('docs/cluster-commands.md', { timeout: 240_000 }, async () => {
  expect(examples.length).toBe([...PAGE.matchAll(/^\$ zabkeeper/gm)].length)
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-cluster-'))
  const kinds = ['zabkeeper', 'zabkeeper', 'apache-3.8'] as const
  // Apache's default, and of ours the words that the page shows the answers of.
  const members = kinds.map((kind) => ({
    kind,
    config: kind === 'apache-3.8' ? ['4lw.commands.whitelist=srvr'] : [],
  }))
  try {
    // No election behind the first, also where a server stands still for a while.
    await withEnsemble({ members, config: ['syncLimit=120'] }, async (ensemble) => {
      for (const example of examples) await tryExample(example, ensemble, folder)
      await tryFile(ensemble, folder)
      await tryZnode(ensemble, folder)
      await ensemble.member(2).kill()
      await ensemble.member(3).kill()
      await tryWithoutQuorum(ensemble, folder)
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

async function tryExample(example: Example, ensemble: Ensemble, folder: string): Promise<void> {
  const words = example.words.map((word) =>
    word
      .replace(/zoo9:2181/g, '127.0.0.1:1')
      .replace(/zoo(\d):2181/g, (_, id) => `127.0.0.1:${ensemble.member(Number(id)).port}`)
      .replace('/var/lib/zookeeper', folder),
  )
  const run = zabkeeper(folder, ...words, ...(words[0] === 'watch' ? [] : TIME))
  if (words[0] === 'watch') await makeEvents(ensemble.member(1).port)
  const { stdout, stderr, code } = await run.ended
  expect(stderr).toBe('')
  expect(shapeOf(stdout, folder)).toEqual(shapeOf(example.output, folder))
  const isBad = /unreachable|^bad/m.test(stdout)
  expect(code).toBe(isBad ? EXIT.failure.code : EXIT.ok.code)
}

async function makeEvents(port: number): Promise<void> {
  while (!/^zk_watch_count\t1$/m.test(await fourLetterWord(port, 'mntr', ANSWER_MS)))
    await sleep(50)
  const client = await connect(`127.0.0.1:${port}`)
  await client.create('/services')
  await client.create('/services/web')
  await client.setData('/services/web', 'x')
  await client.close()
}

/** What stays the same from run to run: no numbers, no addresses, nobody's role, no widths, no grades of this machine. */
function shapeOf(text: string, folder: string): string[] {
  return text
    .replaceAll(folder, '/var/lib/zookeeper')
    .replace(/zoo\d:2181|127\.0\.0\.1:\d+/g, 'SERVER')
    .replace(/zoo\d|127\.0\.0\.1/g, 'HOST')
    .replace(/\b(leader|follower)\b/g, 'MODE')
    .replace(/^(good|fair|bad) {1,2}/gm, 'GRADE ')
    .replace(/^(good|fair|bad): .*$/gm, 'GRADE: VERDICT')
    .replace(/(file system +)\w+( type)? at.*/g, '$1TYPE')
    .replace(/\b(\d+[dhms]){1,2}\b/g, 'TIME')
    .replace(/0x[\da-f]+/g, 'ZXID')
    .replace(/\d+(\.\d+)?/g, '0')
    .replace(/ - (?=\|)/g, ' 0 ')
    .replace(/-+/g, '-')
    .replace(/ +/g, ' ')
    .trim()
    .split('\n')
}

async function tryFile(ensemble: Ensemble, folder: string): Promise<void> {
  writeFileSync(path.join(folder, 'zoo.cfg'), `${ensemble.serverLines.join('\n')}\n`)
  const json = await end(folder, 'status', '--config', 'zoo.cfg', '--json', ...TIME)
  const document = JSON.parse(json.stdout)
  expect(document).toMatchObject({ healthy: true, quorum: { ok: true, voters: 3 }, problems: [] })
  expect(
    document.servers.map(({ id, epoch }: { id: number; epoch: number }) => [id, epoch]),
  ).toEqual([1, 2, 3].map((id) => [id, document.servers[0].epoch]))
}

/** Apache's server refuses the word that the list is in, and has it in a znode. */
async function tryZnode(ensemble: Ensemble, folder: string): Promise<void> {
  const { port } = ensemble.member(3)
  const { stdout, stderr, code } = await end(
    folder,
    ...['members', '--json', '--servers', `127.0.0.1:${port}`, ...TIME],
  )
  expect([stderr, code]).toEqual(['', EXIT.ok.code])
  const clients = JSON.parse(stdout).map(({ client }: { client: string }) => client)
  expect(clients).toEqual(ensemble.ports.map((one) => `127.0.0.1:${one}`))
}

/** The survivor has no leader; the list comes from the file. */
async function tryWithoutQuorum(ensemble: Ensemble, folder: string): Promise<void> {
  const { port } = ensemble.member(1)
  // It cuts the connections of all who ask when it loses its leader.
  const ask = async (): Promise<string> =>
    await fourLetterWord(port, 'srvr', ANSWER_MS).catch(() => 'Mode: not said')
  while (/^Mode/m.test(await ask())) await sleep(100)
  const health = await end(folder, 'health', '--config', 'zoo.cfg', '--require', 'quorum', ...TIME)
  expect(health.code).toBe(EXIT.failure.code)
  expect(health.stdout).toContain(`127.0.0.1:${port} is unhealthy: it runs, but it has no leader\n`)
  expect(health.stdout).toMatch(/\nno quorum: 0 of 3 voting servers serve\n$/)
}

async function end(folder: string, ...words: readonly string[]): Promise<Ending> {
  return await zabkeeper(folder, ...words).ended
}

function zabkeeper(folder: string, ...words: readonly string[]): Run {
  return new Run(words, { cwd: folder })
}
