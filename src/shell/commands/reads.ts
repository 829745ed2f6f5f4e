import { NoNodeError, type ReadData, type Stat, type ZooKeeper } from '../../client-node/index.ts'
import type { Command, CommandContext, Json } from '../command.ts'
import { CommandError, usageError } from '../failures.ts'
import type { Arguments } from '../flags.ts'
import { NO_FLAGS } from '../flags.ts'
import { hexDump } from '../hex-dump.ts'
import { checkPath, childPath } from '../paths.ts'
import { statLines, statValue } from '../stat-text.ts'

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })
const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const GET: Command = {
  name: 'get',
  usage: '[-s] [-w] [-b] [-x] path',
  explainsFlags: true,
  flags: {
    flags: [
      { name: 's', description: 'Print znode stats additionally' },
      { name: 'w', description: 'Watch for changes on the znode' },
      { name: 'b', description: 'Output data in base64 format' },
      { name: 'x', description: 'Output data in hexdump format' },
    ],
  },
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    const isWatched = watchFlag('get', context, args, '[-s] [-w]')
    checkPath(path)
    const zk = await context.client(path)
    const read = await getData(zk, path, isWatched, context)
    for (const line of dataLines(read, args)) context.output.print(line)
    if (args.has('s')) printStat(context, read.stat)
    return { path, ...dataValue(read), ...(args.has('s') ? { stat: statValue(read.stat) } : {}) }
  },
}

const STAT: Command = {
  name: 'stat',
  usage: '[-w] path',
  flags: { flags: [{ name: 'w', description: 'watch' }] },
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    const isWatched = watchFlag('stat', context, args, '[-w]')
    checkPath(path)
    const zk = await context.client(path)
    const stat = await exists(zk, path, isWatched, context)
    if (stat === null) throw new CommandError('NO_NODE', `Node does not exist: ${path}`, { path })
    printStat(context, stat)
    return statValue(stat)
  },
}

const LS: Command = {
  name: 'ls',
  usage: '[-s] [-w] [-R] path',
  flags: {
    flags: [
      { name: '?', description: 'help' },
      { name: 'R', description: 'recurse' },
      { name: 's', description: 'stat' },
      { name: 'w', description: 'watch' },
    ],
  },
  operandsMin: 0,
  async run(context, args) {
    if (args.has('?')) printLsHelp(context)
    if (args.operands.length === 0) throw usageError(`ls ${LS.usage}`)
    const path = pathOf(args)
    const isWatched = watchFlag('ls', context, args, '[-w]')
    checkPath(path)
    const zk = await context.client(path)
    if (args.has('R')) return await listTree(zk, path, isWatched, context)
    const { children, stat } = await getChildren(zk, path, isWatched, context)
    context.output.print(`[${children.join(', ')}]`)
    if (!args.has('s')) return children
    printStat(context, stat)
    return { children, stat: statValue(stat) }
  },
}

const GET_ALL_CHILDREN_NUMBER: Command = {
  name: 'getAllChildrenNumber',
  usage: 'path',
  flags: NO_FLAGS,
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    checkPath(path)
    const zk = await context.client(path)
    const count = await zk.getAllChildrenNumber(path, context.call)
    context.output.print(String(count))
    return count
  },
}

const GET_EPHEMERALS: Command = {
  name: 'getEphemerals',
  usage: 'path',
  flags: NO_FLAGS,
  operandsMin: 0,
  async run(context, args) {
    const path = args.operands[0] ?? '/'
    checkPath(path)
    const zk = await context.client(path)
    const paths = (await zk.getEphemerals(path, context.call)).sort()
    context.output.print(`[${paths.join(', ')}]`)
    return paths
  },
}

const SYNC: Command = {
  name: 'sync',
  usage: 'path',
  flags: NO_FLAGS,
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    checkPath(path)
    const zk = await context.client(path)
    await zk.sync(path, context.call)
    context.output.print('Sync is OK')
    return null
  },
}

const WHO_AM_I: Command = {
  name: 'whoami',
  usage: '',
  flags: NO_FLAGS,
  operandsMin: 0,
  async run(context) {
    const zk = await context.client()
    const identities = await zk.whoAmI(context.call)
    context.output.print('Auth scheme: User')
    for (const { scheme, id } of identities) context.output.print(`${scheme}: ${id}`)
    return identities
  },
}

export const READ_COMMANDS: readonly Command[] = [
  GET,
  STAT,
  LS,
  GET_ALL_CHILDREN_NUMBER,
  GET_EPHEMERALS,
  SYNC,
  WHO_AM_I,
]

export function pathOf(args: Arguments): string {
  return args.operands[0]!
}

export function printStat({ output, timeZone }: CommandContext, stat: Stat): void {
  for (const line of statLines(stat, timeZone)) output.print(line)
}

/** `-w`, or a second word in the place of it, as it was written before 3.5. */
function watchFlag(
  name: string,
  { output }: CommandContext,
  args: Arguments,
  flags: string,
): boolean {
  if (args.operands.length < 2) return args.has('w')
  output.complain(
    `'${name} path [watch]' has been deprecated. Please use '${name} ${flags} path' instead.`,
  )
  return true
}

/* ------------------------------------------------------------------ reads that may set a watch */

export async function getData(
  zk: ZooKeeper,
  path: string,
  isWatched: boolean,
  { call, watches }: CommandContext,
): Promise<ReadData> {
  if (!isWatched) return await zk.getData(path, call)
  const { watch, ...read } = await zk.getData(path, { ...call, watch: true })
  watches.addOneShot('data', watch)
  return read
}

async function exists(
  zk: ZooKeeper,
  path: string,
  isWatched: boolean,
  { call, watches }: CommandContext,
): Promise<Stat | null> {
  if (!isWatched) return await zk.exists(path, call)
  const { watch, stat } = await zk.exists(path, { ...call, watch: true })
  watches.addOneShot('data', watch)
  return stat
}

/** Sorted by their UTF-16 units, as Java sorts. */
export async function getChildren(
  zk: ZooKeeper,
  path: string,
  isWatched: boolean,
  { call, watches }: CommandContext,
): Promise<{ children: string[]; stat: Stat }> {
  if (!isWatched) {
    const { children, stat } = await zk.getChildren(path, call)
    return { children: [...children].sort(), stat }
  }
  const { children, stat, watch } = await zk.getChildren(path, { ...call, watch: true })
  watches.addOneShot('child', watch)
  return { children: [...children].sort(), stat }
}

/* ------------------------------------------------------------------ what is shown of data */

function dataLines({ data, isNull }: ReadData, args: Arguments): string[] {
  if (isNull !== undefined) return ['null']
  if (args.has('x')) return hexDump(data)
  return [args.has('b') ? Buffer.from(data).toString('base64') : UTF8.decode(data)]
}

/** `data` in base64, and `text` where that is what it holds; null where there is none. */
function dataValue({ data, isNull }: ReadData): { data: string | null; text: string | null } {
  if (isNull !== undefined) return { data: null, text: null }
  return { data: Buffer.from(data).toString('base64'), text: textOf(data) }
}

function textOf(data: Uint8Array): string | null {
  try {
    return STRICT_UTF8.decode(data)
  } catch {
    return null
  }
}

/* ------------------------------------------------------------------ trees */

/** A line for each znode: the children of one, sorted, and then what is below each of them. */
async function listTree(
  zk: ZooKeeper,
  root: string,
  isWatched: boolean,
  context: CommandContext,
): Promise<Json> {
  const found: string[] = []
  await visitTree(zk, root, isWatched, context, (path) => {
    context.output.print(path)
    if (context.isJson) found.push(path)
  })
  return found
}

/** Calls `visit` for each znode in the order of `ls -R`. One that goes meanwhile is passed over. */
export async function visitTree(
  zk: ZooKeeper,
  root: string,
  isWatched: boolean,
  context: CommandContext,
  visit: (path: string) => Promise<void> | void,
): Promise<void> {
  await getData(zk, root, isWatched, context)
  await visit(root)
  const ahead = [root]
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    const children = await childrenIfThere(zk, path, isWatched, context)
    const paths = children.map((name) => childPath(path, name))
    for (const child of paths) await visit(child)
    ahead.push(...paths.reverse())
  }
}

async function childrenIfThere(
  zk: ZooKeeper,
  path: string,
  isWatched: boolean,
  context: CommandContext,
): Promise<readonly string[]> {
  try {
    return (await getChildren(zk, path, isWatched, context)).children
  } catch (error) {
    if (error instanceof NoNodeError) return []
    throw error
  }
}

function printLsHelp({ output }: CommandContext): void {
  output.print('usage: ls [options] path')
  for (const { name, description } of LS.flags.flags) output.print(` -${name}   ${description}`)
}
