import type { DataTree } from './data-tree.ts'
import { QuotaText, rootOfLimits, statsPath } from './quota.ts'

const QUOTA_ROOT = '/zookeeper/quota'

/** Quotas of all subtrees below one top-level znode together. Limits are -1 where there are none. */
export interface NamespaceQuota {
  countLimit: number
  bytesLimit: number
  countUsage: number
  bytesUsage: number
}

/**
 * Quotas by namespace, the first element of a path: a hard limit counts instead of a soft one (`QuotaMetricsUtils`).
 * Walks the znodes that hold them.
 */
export function quotasByNamespace(
  tree: Pick<DataTree, 'childNames' | 'find' | 'hasQuotas'>,
): ReadonlyMap<string, NamespaceQuota> {
  const quotas = new Map<string, NamespaceQuota>()
  const paths = tree.hasQuotas ? [QUOTA_ROOT] : []
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const znode = tree.find(path)
    if (znode === undefined) continue
    for (const name of tree.childNames(znode)) paths.push(`${path}/${name}`)
    const root = rootOfLimits(path)
    if (root === null) continue
    const limits = new QuotaText(znode.data)
    const stats = new QuotaText(tree.find(statsPath(root))?.data ?? null)
    add(quotas, root.slice(1).split('/', 1)[0]!, limits, stats)
  }
  return quotas
}

function add(
  quotas: Map<string, NamespaceQuota>,
  namespace: string,
  limits: QuotaText,
  stats: QuotaText,
): void {
  const none = { countLimit: -1, bytesLimit: -1, countUsage: 0, bytesUsage: 0 }
  const quota = quotas.get(namespace) ?? none
  quota.countLimit = sumOfLimits(quota.countLimit, limitOf(limits, 'countHardLimit', 'count'))
  quota.bytesLimit = sumOfLimits(quota.bytesLimit, limitOf(limits, 'byteHardLimit', 'bytes'))
  quota.countUsage += Math.max(0, stats.get('count'))
  quota.bytesUsage += Math.max(0, stats.get('bytes'))
  quotas.set(namespace, quota)
}

function limitOf(limits: QuotaText, hard: string, soft: string): number {
  return limits.get(hard) > -1 ? limits.get(hard) : limits.get(soft)
}

function sumOfLimits(sum: number, limit: number): number {
  if (limit < 0) return sum
  return sum < 0 ? limit : sum + limit
}
