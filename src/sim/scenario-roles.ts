import type { SimEnsemble, SimMember } from './ensemble.ts'
import type { FaultAction } from './faults.ts'

/**
 * Names in a script that stand for whoever has the role when they are first used, from then on for the same machine:
 * `@leader`, `@follower`, `@observer`, each with any digits behind it for more names of the role.
 */
const ROLE = /^@(leader|follower|observer)\d*$/

export function isRoleName(name: string): boolean {
  return ROLE.test(name)
}

/** Finds the machines that such names stand for. */
export class Roles {
  readonly #ensemble: SimEnsemble
  readonly #hosts = new Map<string, string>()

  constructor(ensemble: SimEnsemble) {
    this.#ensemble = ensemble
  }

  /** The action with the names of machines; null while nobody has a role that it names. */
  resolve(action: FaultAction): FaultAction | null {
    return this.#replace(action) as FaultAction | null
  }

  #replace(value: unknown): unknown {
    if (typeof value === 'string') return isRoleName(value) ? this.#hostOf(value) : value
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#replace(item))
      return items.includes(null) ? null : items
    }
    const fields = Object.entries(value).map(([name, item]) => [name, this.#replace(item)] as const)
    return fields.some(([, item]) => item === null) ? null : Object.fromEntries(fields)
  }

  #hostOf(name: string): string | null {
    const known = this.#hosts.get(name)
    if (known !== undefined) return known
    const host = this.#find(ROLE.exec(name)![1]!)?.host.name
    if (host === undefined) return null
    this.#hosts.set(name, host)
    return host
  }

  #find(role: string): SimMember | undefined {
    const { leader, members, observers } = this.#ensemble
    if (role === 'leader') return leader ?? undefined
    const taken = new Set(this.#hosts.values())
    return members.find((member) => {
      const isObserver = observers.includes(member.id)
      const isFree = member !== leader && !taken.has(member.host.name)
      return isFree && isObserver === (role === 'observer') && member.server?.isServing === true
    })
  }
}
