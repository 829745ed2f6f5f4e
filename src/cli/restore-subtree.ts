import { type Credentials, connect, ZkError } from '../client-node/index.ts'
import {
  count,
  loadPoint,
  MaintenanceError,
  overwrites,
  type Point,
  planSubtree,
  restoreSubtree,
  type SubtreePlan,
} from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { progressPrinter } from './import-text.ts'
import { print } from './maintenance-run.ts'

interface SubtreeFlags {
  readonly to?: string
  readonly subtree?: string
  readonly at?: string
  readonly servers?: string
  readonly auth: readonly string[]
  readonly overwrite?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

const STEPS_SHOWN = 50

/** Restores a part of a backup into a running ensemble, or shows what that would do. */
export async function runSubtree(
  backup: string,
  point: Point,
  flags: SubtreeFlags,
): Promise<number> {
  const { subtree, servers, to } = flags
  if (subtree === undefined || servers === undefined || to !== undefined) {
    throw new MaintenanceError(
      '--subtree goes with --servers, and without --to: it restores into a running ensemble',
      true,
    )
  }
  const from = checkPath(subtree, '--subtree')
  const at = checkPath(flags.at ?? subtree, '--at')
  const onProgress = progressPrinter()
  const { tree } = await loadPoint(backup, point, onProgress)
  const zk = await open(servers, flags.auth)
  try {
    const plan = await planSubtree(zk, tree.znodes(), from, at, onProgress)
    await print(flags.json === true ? planJson(plan) : planText(plan, from, at))
    const changed = overwrites(plan)
    if (changed.length > 0 && flags.overwrite !== true) {
      throw new MaintenanceError(
        `${count(changed.length, 'change')} to znodes that are there already; nothing was changed: ` +
          '--overwrite allows it, --at restores to another place',
      )
    }
    if (flags.yes !== true) {
      if (flags.json !== true) await print('nothing was changed; --yes does it\n')
      return EXIT.ok.code
    }
    await restoreSubtree(zk, plan, at, onProgress)
    if (flags.json !== true) await print(`done: ${count(plan.steps.length, 'change')}\n`)
    return EXIT.ok.code
  } finally {
    await zk.close()
  }
}

async function open(
  servers: string,
  auth: readonly string[],
): Promise<Awaited<ReturnType<typeof connect>>> {
  try {
    return await connect(servers, { auth: auth.map(readAuth) })
  } catch (error) {
    if (!(error instanceof ZkError)) throw error
    throw new MaintenanceError(`no connection to ${servers}: ${error.message}`)
  }
}

function readAuth(text: string): Credentials {
  const colon = text.indexOf(':')
  if (colon <= 0) {
    throw new MaintenanceError(`--auth is ${text}: give it as digest:user:password`, true)
  }
  return { scheme: text.slice(0, colon), credentials: text.slice(colon + 1) }
}

function checkPath(path: string, flag: string): string {
  if (path === '/' || (path.startsWith('/') && !path.endsWith('/'))) return path
  throw new MaintenanceError(`${flag} is ${path}: give the path of a znode, such as /app`, true)
}

function planText({ steps, same, ephemerals }: SubtreePlan, from: string, at: string): string {
  const lines = [`${from} of the backup to ${at}:`]
  for (const { kind, path, data, bytesNow } of steps.slice(0, STEPS_SHOWN)) {
    const sizes =
      kind === 'set data' ? `${bytesNow} bytes become ${data.length}` : `${data.length} bytes`
    lines.push(`  ${kind.padEnd(8)}  ${path}${kind === 'set acl' ? '' : `  (${sizes})`}`)
  }
  if (steps.length > STEPS_SHOWN) lines.push(`  and ${steps.length - STEPS_SHOWN} more`)
  lines.push(
    `${count(steps.length, 'change')}; ${count(same, 'znode')} as in the backup; ` +
      `${count(ephemerals, 'ephemeral')} left out`,
  )
  return `${lines.join('\n')}\n`
}

function planJson({ steps, same, ephemerals }: SubtreePlan): string {
  const json = steps.map(({ kind, path, data, bytesNow }) => ({
    kind,
    path,
    bytes: data.length,
    bytesNow,
  }))
  return `${JSON.stringify({ steps: json, same, ephemerals })}\n`
}
