import {
  type CreateMode,
  type CreateOptions,
  isZkError,
  type ZooKeeper,
} from '../../client-node/index.ts'
import { parseAcl } from '../acl-text.ts'
import type { Command, CommandContext } from '../command.ts'
import { CommandError, keeperError, usageError } from '../failures.ts'
import type { Arguments } from '../flags.ts'
import { quoted, readInt, readVersion } from '../numbers.ts'
import { checkPath, childPath } from '../paths.ts'
import { statValue } from '../stat-text.ts'
import { pathOf, printStat } from './reads.ts'

const TTL_MS_MAX = 2 ** 40 - 1
const BATCH_DEFAULT = 1000
/** A transaction must stay below the 1 MB that servers take. */
const BATCH_BYTES_MAX = 500_000
/** Around the path of each operation in a transaction. */
const OP_BYTES = 32
/** Transactions on their way at a time. */
const BATCHES_MAX = 10

const CREATE: Command = {
  name: 'create',
  usage: '[-s] [-e] [-c] [-t ttl] path [data] [acl]',
  flags: {
    flags: [
      { name: 'e', description: 'ephemeral' },
      { name: 's', description: 'sequential' },
      { name: 'c', description: 'container' },
      { name: 't', hasValue: true, description: 'ttl' },
    ],
  },
  operandsMin: 1,
  async run(context, args) {
    const [path = '', data = null, acl] = args.operands
    const options = createOptions(args)
    checkPath(path, args.has('s'))
    const all = acl === undefined ? options : { ...options, acl: parseAcl(acl) }
    const zk = await context.client(path)
    const created = await create(zk, path, data, { ...all, ...context.call })
    if (args.has('e')) context.shell.keepSession()
    context.output.complain(`Created ${created}`)
    return { path: created }
  },
}

const SET: Command = {
  name: 'set',
  usage: 'path data [-s] [-v version] [-b]',
  explainsFlags: true,
  flags: {
    flags: [
      { name: 's', description: 'Print znode stats additionally' },
      { name: 'v', hasValue: true, description: 'Set with an expected version' },
      { name: 'b', description: 'Supply data in base64 format' },
    ],
  },
  operandsMin: 2,
  async run(context, args) {
    const [path = '', text = ''] = args.operands
    const data = args.has('b') ? readBase64(text) : text
    const version = readVersion(args.value('v'))
    checkPath(path)
    const zk = await context.client(path)
    const stat = await zk.setData(path, data, version, context.call)
    if (args.has('s')) printStat(context, stat)
    return statValue(stat)
  },
}

const DELETE: Command = {
  name: 'delete',
  usage: '[-v version] path',
  flags: { flags: [{ name: 'v', hasValue: true, description: 'version' }] },
  operandsMin: 1,
  async run(context, args) {
    if (args.operands.length > 1) {
      context.output.complain(
        "'delete path [version]' has been deprecated. Please use 'delete [-v version] path' instead.",
      )
    }
    const path = pathOf(args)
    const version = readVersion(args.value('v') ?? args.operands[1])
    checkPath(path)
    const zk = await context.client(path)
    await zk.delete(path, version, context.call)
    return null
  },
}

const DELETE_ALL: Command = {
  name: 'deleteall',
  usage: 'path [-b batch size]',
  flags: { flags: [{ name: 'b', hasValue: true, description: 'batch size' }] },
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    const size = args.value('b')
    const batchSize = size === undefined ? BATCH_DEFAULT : readInt('-b', size, 0)
    checkPath(path)
    const zk = await context.client(path)
    const paths = await listTree(zk, path, context)
    // Leaves first.
    paths.reverse()
    const deleted =
      batchSize === 0
        ? await deleteOneByOne(zk, paths, context)
        : await deleteInBatches(zk, cutIntoBatches(paths, batchSize), context)
    const isComplete = deleted === paths.length
    if (!isComplete) {
      context.failPartly()
      context.output.complain('Failed to delete some node(s) in the subtree!')
    }
    return { deleted, isComplete }
  },
}

export const WRITE_COMMANDS: readonly Command[] = [CREATE, SET, DELETE, DELETE_ALL]

/* ------------------------------------------------------------------ create */

/** @throws CommandError for flags that exclude each other */
function createOptions(args: Arguments): CreateOptions {
  const [isEphemeral, isSequential, isContainer] = [args.has('e'), args.has('s'), args.has('c')]
  if (isContainer && (isEphemeral || isSequential)) {
    throw usageError(
      '-c cannot be combined with -s or -e. Containers cannot be ephemeral or sequential.',
    )
  }
  const ttl = args.value('t')
  const ttlMs = ttl === undefined ? undefined : readTtl(ttl)
  if (ttlMs !== undefined && isEphemeral) {
    throw usageError('TTLs cannot be used with Ephemeral znodes')
  }
  if (ttlMs !== undefined && isContainer) {
    throw usageError('TTLs cannot be used with Container znodes')
  }
  const mode = modeOf(isEphemeral, isSequential, isContainer)
  return ttlMs === undefined ? { mode } : { mode, ttlMs }
}

function modeOf(isEphemeral: boolean, isSequential: boolean, isContainer: boolean): CreateMode {
  if (isContainer) return 'container'
  if (isEphemeral) return isSequential ? 'ephemeral-sequential' : 'ephemeral'
  return isSequential ? 'persistent-sequential' : 'persistent'
}

function readTtl(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw usageError('-t argument must be a long value')
  const ttlMs = Number(text)
  if (ttlMs >= 1 && ttlMs <= TTL_MS_MAX) return ttlMs
  throw usageError(`ttl must be positive and cannot be larger than: ${TTL_MS_MAX}`)
}

/** Resolves with the path that the server has given it. */
async function create(
  zk: ZooKeeper,
  path: string,
  data: string | null,
  options: CreateOptions,
): Promise<string> {
  try {
    return (await zk.create(path, data, options)).path
  } catch (error) {
    if (!isZkError(error)) throw error
    if (error.code === 'INVALID_ACL')
      throw twoLines(error.code, keeperError('InvalidACL', path), path)
    throw error
  }
}

function twoLines(code: string, first: string, path: string): CommandError {
  const sentence = `Acl is not valid : ${path}`
  return new CommandError(code, sentence, { path, lines: [first, sentence] })
}

/* ------------------------------------------------------------------ set */

function readBase64(text: string): Uint8Array {
  const isBase64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/.test(text)
  if (isBase64 && !/[_-]/.test(text)) return new Uint8Array(Buffer.from(text, 'base64'))
  throw usageError(`-b needs data in base64, not ${quoted(text)}`)
}

/* ------------------------------------------------------------------ deleteall */

/** Every znode at and below a path; parents come before their children. @throws ZkError */
async function listTree(zk: ZooKeeper, root: string, { call }: CommandContext): Promise<string[]> {
  const paths = [root]
  // Grows while it is walked.
  for (const path of paths) {
    const { children } = await zk.getChildren(path, call)
    for (const name of children) paths.push(childPath(path, name))
  }
  return paths
}

async function deleteOneByOne(
  zk: ZooKeeper,
  paths: readonly string[],
  { call }: CommandContext,
): Promise<number> {
  for (const path of paths) await zk.delete(path, -1, call)
  return paths.length
}

function* cutIntoBatches(paths: readonly string[], sizeMax: number): Generator<readonly string[]> {
  let batch: string[] = []
  let bytes = 0
  for (const path of paths) {
    const size = Buffer.byteLength(path) + OP_BYTES
    if (batch.length > 0 && (batch.length === sizeMax || bytes + size > BATCH_BYTES_MAX)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(path)
    bytes += size
  }
  yield batch
}

/** Each batch is deleted as a whole or not at all; no further one is sent once one has failed. */
async function deleteInBatches(
  zk: ZooKeeper,
  batches: Iterable<readonly string[]>,
  { call }: CommandContext,
): Promise<number> {
  const underWay = new Set<Promise<void>>()
  let deleted = 0
  let hasFailed = false
  for (const batch of batches) {
    if (underWay.size === BATCHES_MAX) await Promise.race(underWay)
    if (hasFailed) break
    const transaction = zk.transaction()
    for (const path of batch) transaction.delete(path)
    const done: Promise<void> = transaction.commit(call).then(
      () => {
        deleted += batch.length
      },
      () => {
        hasFailed = true
      },
    )
    underWay.add(done)
    void done.then(() => underWay.delete(done))
  }
  await Promise.all(underWay)
  return deleted
}
