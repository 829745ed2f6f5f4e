import type { ByteString } from '../wire/records.ts'
import { parentPath } from './paths.ts'

const QUOTA_PREFIX = '/zookeeper/quota'
const LIMITS_SUFFIX = '/zookeeper_limits'
const STATS_SUFFIX = '/zookeeper_stats'

/** Znodes and data bytes of a subtree, its root counted too. */
export interface SubtreeSize {
  readonly count: number
  readonly bytes: number
}

/** What quota accounting needs of a tree: the applied one, or the one with all pending changes. */
export interface QuotaView {
  /** False only if no subtree has a quota: then nothing is looked up. */
  readonly hasQuotas: boolean
  /** Whether the limits znode of the subtree at `root` exists. */
  isQuotaRoot(root: string): boolean
  /** Undefined when there is no such znode. */
  dataOf(path: string): ByteString | null | undefined
  /** Puts new data into a stats znode: no version, zxid or time changes and nobody is told. */
  replaceStats(path: string, data: ByteString): void
  sizeOf(root: string): SubtreeSize
}

export function limitsPath(root: string): string {
  return `${QUOTA_PREFIX}${root}${LIMITS_SUFFIX}`
}

export function statsPath(root: string): string {
  return `${QUOTA_PREFIX}${root}${STATS_SUFFIX}`
}

/** Root of the subtree that the limits znode `path` is about; null for any other path. The tree's root has no quota. */
export function rootOfLimits(path: string): string | null {
  return rootOf(path, LIMITS_SUFFIX)
}

/** `zookeeper_limits` and `zookeeper_stats` are numbers by name (`StatsTrack`): `count=5,bytes=-1=;countHardLimit=9`. */
export class QuotaText {
  readonly #values = new Map<string, number>()

  /** Never fails: whatever is not a number counts as absent, that is, as no limit. */
  constructor(text: ByteString | null) {
    for (const part of (text ?? '').split(/[,;]+/)) {
      const [name, value] = part.split('=')
      if (name === undefined || name === '') continue
      this.#values.set(name, /^[+-]?\d+$/.test(value ?? '') ? Number(value) : -1)
    }
  }

  /** -1 when absent. */
  get(name: string): number {
    return this.#values.get(name) ?? -1
  }

  set(name: string, value: number): void {
    this.#values.set(name, value)
  }

  /** Count and bytes first; the `=` before further names makes parsers before 3.7 ignore them. */
  format(): ByteString {
    let text = `count=${this.get('count')},bytes=${this.get('bytes')}`
    const others = [...this.#values.keys()].filter((name) => name !== 'count' && name !== 'bytes')
    if (others.length > 0) text += '='
    for (const name of others.sort()) text += `;${name}=${this.get(name)}`
    return text as ByteString
  }
}

/** Accounts for a new znode, and counts a subtree afresh when the new znode is its stats znode. */
export function accountCreate(view: QuotaView, path: string, bytes: number): void {
  if (!view.hasQuotas && !path.startsWith(QUOTA_PREFIX)) return
  const statsRoot = rootOf(path, STATS_SUFFIX)
  if (statsRoot !== null) {
    const size = view.sizeOf(statsRoot)
    const stats = new QuotaText(null)
    stats.set('count', size.count)
    stats.set('bytes', size.bytes)
    view.replaceStats(path, stats.format())
  }
  account(view, path, bytes, 1)
}

export function accountDelete(view: QuotaView, path: string, bytes: number): void {
  account(view, path, -bytes, -1)
}

export function accountSetData(view: QuotaView, path: string, bytesDiff: number): void {
  account(view, path, bytesDiff, 0)
}

/** Whether a change would put the nearest quota of `path` over a hard limit (`ZooKeeperServer.checkQuota`). */
export function exceedsHardQuota(
  view: QuotaView,
  path: string,
  bytesDiff: number,
  countDiff: number,
): boolean {
  const root = nearestQuotaRoot(view, path)
  if (root === null) return false
  const statsData = view.dataOf(statsPath(root))
  if (statsData === undefined) return false
  const limits = new QuotaText(view.dataOf(limitsPath(root)) ?? null)
  const stats = new QuotaText(statsData)
  const countLimit = limits.get('countHardLimit')
  const byteLimit = limits.get('byteHardLimit')
  if (countDiff !== 0 && countLimit > -1 && stats.get('count') + countDiff > countLimit) return true
  return bytesDiff !== 0 && byteLimit > -1 && stats.get('bytes') + bytesDiff > byteLimit
}

/** Whether the subtree of the nearest quota of `path` is above a soft limit; a hard limit takes its place. */
export function exceedsSoftQuota(view: QuotaView, path: string): boolean {
  const root = nearestQuotaRoot(view, path)
  if (root === null) return false
  const limits = new QuotaText(view.dataOf(limitsPath(root)) ?? null)
  const stats = new QuotaText(view.dataOf(statsPath(root)) ?? null)
  return (
    isAbove(stats, limits, 'count', 'countHardLimit') ||
    isAbove(stats, limits, 'bytes', 'byteHardLimit')
  )
}

function isAbove(stats: QuotaText, limits: QuotaText, soft: string, hard: string): boolean {
  return limits.get(hard) === -1 && limits.get(soft) > -1 && stats.get(soft) > limits.get(soft)
}

function account(view: QuotaView, path: string, bytesDiff: number, countDiff: number): void {
  const root = nearestQuotaRoot(view, path)
  if (root === null) return
  const data = view.dataOf(statsPath(root))
  if (data === undefined) return
  const stats = new QuotaText(data)
  stats.set('count', stats.get('count') + countDiff)
  stats.set('bytes', stats.get('bytes') + bytesDiff)
  view.replaceStats(statsPath(root), stats.format())
}

function nearestQuotaRoot(view: QuotaView, path: string): string | null {
  if (!view.hasQuotas) return null
  for (let root = path; root !== '/'; root = parentPath(root)) {
    if (view.isQuotaRoot(root)) return root
  }
  return null
}

function rootOf(path: string, suffix: string): string | null {
  if (!path.startsWith(QUOTA_PREFIX) || !path.endsWith(suffix)) return null
  const root = path.slice(QUOTA_PREFIX.length, -suffix.length)
  return root.startsWith('/') ? root : null
}
