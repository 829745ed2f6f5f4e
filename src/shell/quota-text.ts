/** Limits or counts of a quota, by their names in the znode. */
export type QuotaFields = ReadonlyMap<string, bigint>

export const QUOTA_ROOT = '/zookeeper/quota'
const LIMIT_NODE = 'zookeeper_limits'
const STAT_NODE = 'zookeeper_stats'

/** Below it stand limits and counts of `path`. */
export function quotaPath(path: string): string {
  return path === '/' ? QUOTA_ROOT : QUOTA_ROOT + path
}

export function limitPath(path: string): string {
  return `${QUOTA_ROOT}${path}/${LIMIT_NODE}`
}

export function countPath(path: string): string {
  return `${QUOTA_ROOT}${path}/${STAT_NODE}`
}

export function isLimitNode(name: string): boolean {
  return name === LIMIT_NODE
}

/** Reads `count=8,bytes=14` and `count=1,bytes=-1=;byteHardLimit=100000`; what is no number is left out. */
export function parseQuota(text: string): Map<string, bigint> {
  const fields = new Map<string, bigint>()
  for (const pair of text.split(/[,;]+/)) {
    const [name = '', value = ''] = pair.split('=')
    if (name !== '' && /^-?\d+$/.test(value)) fields.set(name, BigInt(value))
  }
  return fields
}

/** The text as `StatsTrack.toString` writes it: `count` and `bytes` first, `=` before the newer fields. */
export function quotaText(fields: QuotaFields): string {
  const first = `count=${quotaField(fields, 'count')},bytes=${quotaField(fields, 'bytes')}`
  const names = [...fields.keys()].filter((name) => name !== 'count' && name !== 'bytes').sort()
  if (names.length === 0) return first
  return `${first}=${names.map((name) => `;${name}=${fields.get(name)}`).join('')}`
}

/** -1: there is no such limit. */
export function quotaField(fields: QuotaFields, name: string): bigint {
  return fields.get(name) ?? -1n
}
