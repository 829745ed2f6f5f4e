import type { CachedZnode } from '../../../recipes/index.ts'
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
