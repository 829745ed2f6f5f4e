import type { ReadData } from '../../client-node/index.ts'
import type { Command, CommandContext } from '../command.ts'
import { CommandError, usageError } from '../failures.ts'
import type { Arguments } from '../flags.ts'
import { clientAddresses, membersOf } from '../membership-text.ts'
import { statValue } from '../stat-text.ts'
import { printStat } from './reads.ts'

const UTF8 = new TextDecoder()
const CONFIG_PATH = '/zookeeper/config'

const CONFIG: Command = {
  name: 'config',
  usage: '[-c] [-w] [-s]',
  flags: {
    flags: [
      { name: 's', description: 'stats' },
      { name: 'w', description: 'watch' },
      { name: 'c', description: 'client connection string' },
    ],
  },
  operandsMin: 0,
  async run(context, args) {
    const read = await getConfig(context, args.has('w'))
    const config = read.isNull === undefined ? UTF8.decode(read.data) : 'null'
    const stat = args.has('s') ? { stat: statValue(read.stat) } : {}
    if (args.has('c')) {
      const { version, addresses } = clientAddresses(config)
      context.output.print(`${version} ${addresses.join(',')}`)
      if (args.has('s')) printStat(context, read.stat)
      return { version, addresses, ...stat }
    }
    context.output.print(config)
    if (args.has('s')) printStat(context, read.stat)
    return { config, ...stat }
  },
}

const RECONFIG: Command = {
  name: 'reconfig',
  usage:
    '[-s] [-v version] [[-file path] | [-members serverID=host:port1:port2;port3[,...]*]] | ' +
    '[-add serverId=host:port1:port2;port3[,...]]* [-remove serverId[,...]*]',
  flags: {
    flags: [
      { name: 's', description: 'stats' },
      { name: 'v', hasValue: true, description: 'required current config version' },
      { name: 'file', hasValue: true, description: 'path of config file to parse for membership' },
      { name: 'members', hasValue: true, description: 'the servers of the new ensemble' },
      { name: 'add', hasValue: true, description: 'servers to add' },
      { name: 'remove', hasValue: true, description: 'ids of servers to remove' },
    ],
  },
  operandsMin: 0,
  async run(context, args) {
    const change = readChange(context, args)
    const zk = await context.client('')
    const { data, stat } = await zk.reconfig(change, context.call)
    const config = UTF8.decode(data)
    context.output.print('Committed new configuration:')
    context.output.print(config)
    if (args.has('s')) printStat(context, stat)
    return { config, ...(args.has('s') ? { stat: statValue(stat) } : {}) }
  },
}

export const ENSEMBLE_COMMANDS: readonly Command[] = [CONFIG, RECONFIG]

async function getConfig(context: CommandContext, isWatched: boolean): Promise<ReadData> {
  const zk = await context.client(CONFIG_PATH)
  if (!isWatched) return await zk.getConfig(context.call)
  const { watch, ...read } = await zk.getConfig({ ...context.call, watch: true })
  context.watches.addOneShot('data', watch)
  return read
}

interface Change {
  readonly joining?: string
  readonly leaving?: string
  readonly members?: string
  readonly fromConfig: bigint
}

/** @throws CommandError */
function readChange(context: CommandContext, args: Arguments): Change {
  const isWhole = args.has('file') || args.has('members')
  const isStep = args.has('add') || args.has('remove')
  if (!isWhole && !isStep) throw usageError(`${RECONFIG.name} ${RECONFIG.usage}`)
  const fromConfig = readConfigVersion(args.value('v'))
  if (isWhole && isStep) {
    throw usageError(
      "Can't use -file or -members together with -add or -remove (mixing incremental and non-incremental modes is not allowed)",
    )
  }
  if (args.has('file') && args.has('members')) {
    throw usageError("Can't use -file and -members together (conflicting non-incremental modes)")
  }
  const file = args.value('file')
  if (file !== undefined) return { members: readMembers(context, file), fromConfig }
  if (isWhole) return { members: joined(args, 'members'), fromConfig }
  return {
    ...(args.has('add') ? { joining: joined(args, 'add') } : {}),
    ...(args.has('remove') ? { leaving: joined(args, 'remove') } : {}),
    fromConfig,
  }
}

/** A flag may be given several times. Server lines are not told apart by case. */
function joined(args: Arguments, flag: string): string {
  return args.values(flag).join(',').toLowerCase()
}

function readConfigVersion(text: string | undefined): bigint {
  if (text === undefined) return -1n
  if (/^[\da-f]{1,16}$/i.test(text)) return BigInt.asIntN(64, BigInt(`0x${text}`))
  if (text === '-1') return -1n
  throw usageError('-v must be followed by a long (configuration version)')
}

function readMembers(context: CommandContext, file: string): string {
  let text: string
  try {
    text = context.readFile(file)
  } catch (error) {
    throw new CommandError('FILE', `Error processing ${file}: ${(error as Error).message}`)
  }
  const members = membersOf(text)
  if (members !== null) return members
  throw new CommandError('FILE', `Error processing ${file}: it has no server.N=… line`)
}
