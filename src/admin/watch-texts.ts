import { formatHex } from '../base/index.ts'
import type { ServerStatus } from '../server/index.ts'

/** `wchs` */
export function renderWatchSummary({ inventory }: ServerStatus): string {
  const { connections, paths, watches } = inventory.watchSummary()
  return `${connections} connections watching ${paths} paths\nTotal watches:${watches}\n`
}

/** `wchc`: paths by session. */
export function renderWatchesBySession({ inventory }: ServerStatus): string {
  return groups(inventory.watchesBySession(), formatHex, (path) => path)
}

/** `wchp`: sessions by path. */
export function renderWatchesByPath({ inventory }: ServerStatus): string {
  return groups(inventory.watchesByPath(), (path) => path, formatHex)
}

function groups<Key, Member>(
  members: ReadonlyMap<Key, Iterable<Member>>,
  title: (key: Key) => string,
  line: (member: Member) => string,
): string {
  const text = [...members].map(([key, of]) => {
    return `${title(key)}\n${[...of].map((member) => `\t${line(member)}\n`).join('')}`
  })
  return `${text.join('')}\n`
}
