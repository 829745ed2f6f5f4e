import type { Znode } from '../../support/index.ts'

/** Values of JSON that are times, random, or depend on who was first. */
const CHANCE: ReadonlySet<string> = new Set([
  ...['timestamp', 'topic_id', 'broker_epoch', 'controller_epoch', 'leader_epoch'],
  ...['salt', 'stored_key', 'server_key'],
])
/** Of these only that they are there: who is the controller, who took which block of ids. */
const BY_RACE =
  /^\/kafka\/(?:controller|controller_epoch|cluster\/id|latest_producer_id_block|brokers\/seqid)$/
/** Kafka places the partitions of this topic by chance. */
const OFFSETS = /^\/kafka\/brokers\/topics\/__consumer_offsets(?:\/|$)/
/** Notices with sequential names. A command that changes three brokers changes them in any order. */
const NOTICES = /^\/kafka\/config\/changes\//
/** What only commands have changed: here the numbers of changes must be the same, too. */
const COUNTED = /^\/kafka\/(?:config|kafka-acl|kafka-acl-extended)(?:\/|$)|^\/kafka\/brokers\/ids$/

/** What must be the same wherever Kafka runs: path, ACL, whether it is an ephemeral, what it holds, as sorted lines. */
export function normalised(tree: ReadonlyMap<string, Znode>): readonly string[] {
  const lines = [...tree.values()].flatMap((znode) => {
    const { path, data, acl, stat } = znode
    const kind = stat.ephemeralOwner === 0n ? 'persistent' : 'ephemeral'
    const about = `${path} ${kind} ${acl.join()}${COUNTED.test(path) ? countsOf(znode) : ''}`
    return NOTICES.test(path) ? [about, `notice ${data}`] : [`${about} ${textOf(path, data)}`]
  })
  return lines.toSorted()
}

function countsOf({ stat: { version, cversion, aversion } }: Znode): string {
  return ` v${version} c${cversion} a${aversion}`
}

function textOf(path: string, data: string): string {
  if (BY_RACE.test(path)) return '(by race)'
  if (OFFSETS.test(path)) return '(by chance)'
  if (!/^[[{]/.test(data)) return data
  return JSON.stringify(JSON.parse(data), (key, value: unknown) => {
    if (CHANCE.has(key)) return '(by chance)'
    // A set that Kafka writes in the order in which replicas caught up.
    if (key === 'isr' && Array.isArray(value)) return value.toSorted()
    if (typeof value !== 'string') return value
    return value.replace(/(salt|stored_key|server_key)=[^,]*/g, '$1=(by chance)')
  })
}
