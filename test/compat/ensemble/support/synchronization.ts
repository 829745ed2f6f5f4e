import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateFlag, createBody, Op, WireClient } from '../../../../bench/client/index.ts'
import type { Ensemble, EnsembleMember } from '../../../../bench/servers/index.ts'
import { standStill } from './standstill.ts'

export type SyncKind = 'DIFF' | 'SNAP' | 'TRUNC'

/** What an Apache server writes about synchronizations, as learner and as leader. */
const LINES: readonly (readonly [kind: SyncKind, pattern: RegExp])[] = [
  ['DIFF', /Getting a diff from the leader|LearnerHandler - Sending DIFF/],
  ['SNAP', /Getting a snapshot from leader|LearnerHandler - Sending snapshot/],
  ['TRUNC', /Truncating log to get in sync/],
]
/** Of a leader that says no more when the learner's log is longer than what it has committed. */
const POSITIONS = /LearnerHandler - Synchronizing .*maxCommittedLog=(\S+) .*peerLastZxid=(\S+)/
/** A thread for one connection of a learner; its first line names the learner. */
const HANDLER = /^\[(LearnerHandler-\S+)\](?:.* - Follower sid: (\d+))?/

const DISK_LIMIT_MS = 60_000

/** The synchronizations with this learner, in order: as it tells them itself, or else as its leader does. */
export async function synchronizations(
  ensemble: Ensemble,
  learner: EnsembleMember,
): Promise<SyncKind[]> {
  if (learner.kind === 'zabkeeper') return kindsIn(linesAbout(learner, await ensemble.leader()))
  const lines = learner.wholeOutput.split('\n')
  return kindsIn(lines.filter((line) => !line.includes('LearnerHandler')))
}

/** What a leader of Apache's writes about one learner: it has a thread for each connection of a learner. */
function linesAbout(learner: EnsembleMember, leader: EnsembleMember): string[] {
  const handlers = new Set<string>()
  return leader.wholeOutput.split('\n').filter((line) => {
    const [, handler, id] = HANDLER.exec(line) ?? []
    if (handler === undefined) return false
    if (Number(id) === learner.id) handlers.add(handler)
    return handlers.has(handler)
  })
}

function kindsIn(lines: readonly string[]): SyncKind[] {
  return lines.flatMap((line) => {
    const kinds = LINES.filter(([, pattern]) => pattern.test(line)).map(([kind]) => kind)
    const [, committed, last] = POSITIONS.exec(line) ?? []
    return last !== undefined && BigInt(last) > BigInt(committed!) ? [...kinds, 'TRUNC'] : kinds
  })
}

/** Writes so many znodes of about a kilobyte through one server. */
export async function writeZnodes(port: number, root: string, count: number): Promise<void> {
  const client = await WireClient.open({ port })
  const persistent = CreateFlag.persistent
  await client.request(Op.create, createBody(root, null, persistent))
  const replies = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const data = `${i} `.repeat(200)
      return await client.request(Op.create, createBody(`${root}/n${i}`, data, persistent))
    }),
  )
  const refused = replies.find(({ err }) => err !== 0)
  if (refused !== undefined) throw new Error(`a create below ${root} got ${refused.err}`)
  await client.close()
}

/**
 * Has the leader log writes that no other server holds. Its followers stand still when it gets them: a leader whose
 * followers have ended may give up before it has logged anything.
 */
export async function writeUncommitted(ensemble: Ensemble, path: string): Promise<EnsembleMember> {
  const leader = await ensemble.leader()
  const client = await WireClient.open({ port: leader.port })
  const followers = ensemble.members.filter((member) => member !== leader)
  await Promise.all(followers.map(standStill))
  const paths = Array.from({ length: 5 }, (_, i) => `${path}${i}`)
  let answers = 0
  for (const one of paths) {
    void client.request(Op.create, createBody(one, 'never', CreateFlag.persistent)).then(
      () => answers++,
      () => {},
    )
  }
  await untilOnDisk(leader, paths)
  await leader.kill()
  // What it sent them is still in their sockets, and goes with them.
  await Promise.all(followers.map(async (follower) => await follower.kill()))
  client.destroy()
  if (answers > 0) throw new Error('a leader without followers has answered a write')
  return leader
}

/** Waits until the files of a server hold these words. What `kill -9` finds there stays there. */
async function untilOnDisk(member: EnsembleMember, words: readonly string[]): Promise<void> {
  const limit = Date.now() + DISK_LIMIT_MS
  for (;;) {
    const files = readdirSync(member.dataDir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readIfThere(join(entry.parentPath, entry.name)))
    if (words.every((word) => files.some((bytes) => bytes.includes(word)))) return
    if (Date.now() > limit) throw new Error(`server ${member.id} has not logged ${words.join(' ')}`)
    await sleep(20)
  }
}

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch {
    return Buffer.alloc(0)
  }
}
