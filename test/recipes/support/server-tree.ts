import type { CachedZnode } from '../../../recipes/index.ts'
import { join, NoNodeError, ZkError, type ZooKeeper } from '../../../src/client/index.ts'
import type { RecipeStage } from './recipe-stage.ts'

/** A subtree: what tells one state of a znode from another, by path. */
export type TreeImage = ReadonlyMap<string, string>

/** What the server holds at and below a path, `depthMax` levels of it. */
export function serverTree(
  stage: RecipeStage,
  root: string,
  depthMax: number = Number.POSITIVE_INFINITY,
): TreeImage {
  const image = new Map<string, string>()
  const prefix = root === '/' ? '/' : `${root}/`
  for (const { path, data, czxid, mzxid } of stage.stage.server.state.tree.znodes()) {
    if (path !== root && !path.startsWith(prefix)) continue
    const depth = path === root ? 0 : path.slice(prefix.length).split('/').length
    if (depth <= depthMax) image.set(path, describe(data ?? '', czxid, mzxid))
  }
  return sorted(image)
}

/** The same as a client reads it, which is right when nobody writes. */
export async function readTree(
  zk: ZooKeeper,
  root: string,
  depthMax: number = Number.POSITIVE_INFINITY,
): Promise<TreeImage> {
  await zk.sync(root)
  const image = new Map<string, string>()
  const read = async (path: string, depth: number): Promise<void> => {
    const { data, stat } = await zk.getData(path)
    image.set(path, describe(new TextDecoder().decode(data), stat.czxid, stat.mzxid))
    if (depth === depthMax) return
    const { children } = await zk.getChildren(path)
    for (const name of children) await read(join(path, name), depth + 1)
  }
  await read(root, 0).catch((error: unknown) => {
    if (!(error instanceof NoNodeError)) throw error
  })
  return sorted(image)
}

/** Makes reads until they are answered: also after faults are over a session may turn out to be lost. */
export async function persistently<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof ZkError && error.retryable)) throw error
    }
  }
}

/** The same of what a cache holds. */
export function cachedTree(znodes: Iterable<CachedZnode>): TreeImage {
  const image = new Map<string, string>()
  for (const { path, data, stat } of znodes) {
    image.set(path, describe(new TextDecoder().decode(data), stat.czxid, stat.mzxid))
  }
  return sorted(image)
}

function describe(data: string, czxid: bigint, mzxid: bigint): string {
  return `${data} created by ${czxid}, changed by ${mzxid}`
}

function sorted(image: Map<string, string>): TreeImage {
  return new Map([...image].sort(([a], [b]) => (a < b ? -1 : 1)))
}
