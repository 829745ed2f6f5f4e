import type { EnsembleConfig, GroupConfig, MemberConfig } from './ensemble.ts'
import { placeOf, type Setting, type Settings } from './settings.ts'

const INT32_MAX = 0x7fff_ffff

/**
 * Reads `group.N` and `weight.N` (QuorumHierarchical): either every participant is in exactly one group, or there
 * is neither group nor weight.
 * @throws ConfigError
 */
export function readGroups(
  source: Settings,
  members: readonly MemberConfig[],
): Pick<EnsembleConfig, 'groups' | 'weights'> & { readonly warnings: readonly string[] } {
  const roles = new Map(members.map(({ id, role }) => [id, role]))
  const { weights, warnings } = readWeights(source, roles)
  const groups = readGroupLines(source, roles)
  const grouped = new Set(groups.flatMap((group) => group.members))
  const anyLine = source.family('group.N')[0] ?? source.family('weight.N')[0]
  if (anyLine === undefined) return { groups, weights, warnings }
  const ungrouped = members.find(({ id, role }) => role === 'participant' && !grouped.has(id))
  if (ungrouped !== undefined) {
    throw source.refuse(
      anyLine.setting,
      `with groups or weights, every participant must be in a group, and server ${ungrouped.id} is in none`,
    )
  }
  if ([...grouped].every((id) => weights.get(id) === 0)) {
    throw source.refuse(anyLine.setting, 'every server weighs 0, so nobody could ever decide')
  }
  return { groups, weights, warnings }
}

type Roles = ReadonlyMap<number, MemberConfig['role']>

function readGroupLines(source: Settings, roles: Roles): GroupConfig[] {
  const groupOf = new Map<number, string>()
  const ids = new Set<number>()
  return source.family('group.N').map(({ suffix, setting }) => {
    const id = readNumber(source, setting, suffix, 'a group number after the dot')
    if (ids.has(id)) throw source.refuse(setting, 'this group is listed twice')
    ids.add(id)
    const members = setting.value.split(':').map((text) => {
      const sid = readNumber(
        source,
        setting,
        text.trim(),
        'server numbers with colons between them',
      )
      refuseNonVoter(source, setting, sid, roles)
      const other = groupOf.get(sid)
      if (other !== undefined) {
        throw source.refuse(
          setting,
          `server ${sid} is in ${other} already, and must be in one group`,
        )
      }
      groupOf.set(sid, setting.name)
      return sid
    })
    return { id, members }
  })
}

function refuseNonVoter(source: Settings, setting: Setting, sid: number, roles: Roles): void {
  const role = roles.get(sid)
  if (role === 'participant') return
  throw source.refuse(
    setting,
    role === undefined
      ? `there is no line server.${sid}`
      : `server ${sid} is an observer: it has no vote and belongs to no group`,
  )
}

function readWeights(
  source: Settings,
  roles: Roles,
): { readonly weights: Map<number, number>; readonly warnings: string[] } {
  const weights = new Map<number, number>()
  const warnings: string[] = []
  for (const { suffix, setting } of source.family('weight.N')) {
    const sid = readNumber(source, setting, suffix, 'a server number after the dot')
    const weight = readNumber(source, setting, setting.value, 'a weight from 0')
    const role = roles.get(sid)
    if (role === undefined) throw source.refuse(setting, `there is no line server.${sid}`)
    if (role === 'observer') {
      warnings.push(
        `${placeOf(setting)}=${setting.value}: ignored: server ${sid} is an observer and has no vote`,
      )
    } else if (weight !== 1) {
      weights.set(sid, weight)
    }
  }
  return { weights, warnings }
}

function readNumber(source: Settings, setting: Setting, text: string, what: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= INT32_MAX) return value
  throw source.refuse(setting, `'${text}': here must be ${what}`)
}
