import { isZkError } from '../../client-node/index.ts'
import { aclLines, parseAcl, permsText } from '../acl-text.ts'
import type { Command } from '../command.ts'
import { keeperError, toCommandError } from '../failures.ts'
import { readVersion } from '../numbers.ts'
import { checkPath } from '../paths.ts'
import { statValue } from '../stat-text.ts'
import { pathOf, printStat, visitTree } from './reads.ts'

const GET_ACL: Command = {
  name: 'getAcl',
  usage: '[-s] path',
  flags: { flags: [{ name: 's', description: 'stats' }] },
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    checkPath(path)
    const zk = await context.client(path)
    const { acl, stat } = await zk.getAcl(path, context.call)
    for (const entry of acl) for (const line of aclLines(entry)) context.output.print(line)
    if (args.has('s')) printStat(context, stat)
    const entries = acl.map(({ scheme, id, perms }) => ({ scheme, id, perms: permsText(perms) }))
    return args.has('s') ? { acl: entries, stat: statValue(stat) } : entries
  },
}

const SET_ACL: Command = {
  name: 'setAcl',
  usage: '[-s] [-v version] [-R] path acl',
  flags: {
    flags: [
      { name: 's', description: 'stats' },
      { name: 'v', hasValue: true, description: 'version' },
      { name: 'R', description: 'recursive' },
    ],
  },
  operandsMin: 2,
  async run(context, args) {
    const [path = '', text = ''] = args.operands
    const acl = parseAcl(text)
    const version = readVersion(args.value('v'))
    checkPath(path)
    const zk = await context.client(path)
    if (!args.has('R')) {
      const stat = await zk.setAcl(path, acl, version, context.call)
      if (args.has('s')) printStat(context, stat)
      return statValue(stat)
    }
    const failed: { path: string; code: string }[] = []
    let changed = 0
    await visitTree(zk, path, false, context, async (below) => {
      try {
        await zk.setAcl(below, acl, version, context.call)
        changed += 1
      } catch (error) {
        // A connection that is gone ends it; what concerns one znode does not.
        if (!isZkError(error) || error.retryable) throw error
        context.failPartly()
        context.output.print(KEEPER_NAMES.get(error.code)?.(below) ?? toCommandError(error).message)
        failed.push({ path: below, code: error.code })
      }
    })
    return { changed, failed }
  },
}

/** Here zkCli shows the text of the exception as it is. */
const KEEPER_NAMES: ReadonlyMap<string, (path: string) => string> = new Map(
  Object.entries({
    NO_AUTH: 'NoAuth',
    NO_NODE: 'NoNode',
    BAD_VERSION: 'BadVersion',
    INVALID_ACL: 'InvalidACL',
    NOT_READ_ONLY: 'Not a read-only call',
  }).map(([code, name]) => [code, (path: string) => keeperError(name, path)]),
)

export const ACL_COMMANDS: readonly Command[] = [GET_ACL, SET_ACL]
