import type { RemovedKind } from '../../client-node/index.ts'
import type { Command } from '../command.ts'
import { connectionLoss, usageError } from '../failures.ts'
import { checkPath } from '../paths.ts'
import { pathOf } from './reads.ts'

const ADD_WATCH: Command = {
  name: 'addWatch',
  usage:
    '[-m mode] path # optional mode is one of [PERSISTENT, PERSISTENT_RECURSIVE] - default is PERSISTENT_RECURSIVE',
  flags: { flags: [{ name: 'm', hasValue: true, description: '' }] },
  operandsMin: 1,
  operandsMax: 1,
  async run(context, args) {
    const path = pathOf(args)
    const mode = (args.value('m') ?? 'PERSISTENT_RECURSIVE').toUpperCase()
    if (mode !== 'PERSISTENT' && mode !== 'PERSISTENT_RECURSIVE') {
      throw usageError(`${ADD_WATCH.name} ${ADD_WATCH.usage}`)
    }
    checkPath(path)
    const kind = mode === 'PERSISTENT' ? 'persistent' : 'recursive'
    const zk = await context.client(path)
    // The one that is there already stays, whatever happens to the connection.
    if (!context.watches.has(kind, path)) {
      const options = { ...context.call, recursive: kind === 'recursive' }
      context.watches.addLasting(kind, await zk.watch(path, options))
    }
    return null
  },
}

/** Which watches a flag stands for; the first that is given counts. */
const REMOVED: readonly (readonly [flag: string, kind: RemovedKind])[] = [
  ['c', 'children'],
  ['d', 'data'],
  ['p', 'persistent'],
  ['r', 'recursive'],
]

const REMOVE_WATCHES: Command = {
  name: 'removewatches',
  usage: 'path [-c|-d|-a] [-l]',
  flags: {
    flags: [
      { name: 'c', description: 'child watcher type' },
      { name: 'd', description: 'data watcher type' },
      { name: 'p', description: 'persistent watcher type' },
      { name: 'r', description: 'persistent recursive watcher type' },
      { name: 'a', description: 'any watcher type' },
      { name: 'l', description: 'remove locally when there is no server connection' },
    ],
  },
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    checkPath(path)
    const [, kind = 'all'] = REMOVED.find(([flag]) => args.has(flag)) ?? []
    const zk = await context.client(path)
    if (!context.isConnected() && !args.has('l')) {
      throw connectionLoss(path, 'no server answers; -l takes the watches from the shell alone')
    }
    const types = await context.watches.remove(zk, path, kind, context.call)
    return { removed: types }
  },
}

export const WATCH_COMMANDS: readonly Command[] = [ADD_WATCH, REMOVE_WATCHES]
