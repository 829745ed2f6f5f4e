/** One of the addresses at which a server is found by the others. */
export interface MemberAddress {
  readonly host: string
  /** Where the leader listens for learners. */
  readonly quorumPort: number
  readonly electionPort: number
}

/** A server of the ensemble as every server's configuration lists it (`server.N=`). */
export interface MemberConfig extends MemberAddress {
  /** 0 to 255. */
  readonly id: number
  /** Beside the first; empty unless `multiAddress.enabled`. */
  readonly moreAddresses: readonly MemberAddress[]
  readonly role: 'observer' | 'participant'
  /** Where it serves clients, if the line says so. The host is empty for all interfaces. */
  readonly client: { readonly host: string; readonly port: number } | null
}

/** `group.N=` and `weight.N=`: more than half of the groups, each by more than half of its weight, decide. */
export interface GroupConfig {
  readonly id: number
  readonly members: readonly number[]
}

/** Sessions that only the server knows that its client is connected to. */
export interface LocalSessionsConfig {
  /** Every new session is one. */
  readonly isEnabled: boolean
  /** A local session that asks for an ephemeral becomes one of the ensemble; otherwise that is refused. */
  readonly isUpgrading: boolean
}

/** Servers with several addresses, on networks that fail one at a time. */
export interface MultiAddressConfig {
  /** Elections begin with a message that names all addresses; servers before 3.6 do not know it. */
  readonly isEnabled: boolean
  /** How long an address may keep silent before the next one is tried too; null to wait until it has failed. */
  readonly waitMs: number | null
}

/** Followers that serve observers in place of the leader. */
export interface ObserverMasterConfig {
  /** A follower listens on it for observers; an observer dials it at every participant. 0 for neither. */
  readonly port: number
  /** Bytes of committed transactions that a follower keeps for its observers. */
  readonly windowBytesMax: number
}

/** What makes a server one of several. */
export interface EnsembleConfig {
  /** This server's own id, from the file `myid`. */
  readonly self: number
  /** This server included. */
  readonly members: readonly MemberConfig[]
  /** Empty for plain majorities of the participants. */
  readonly groups: readonly GroupConfig[]
  /** Of those that weigh other than 1. */
  readonly weights: ReadonlyMap<number, number>
  /** Ticks that a learner may take to connect and synchronize. */
  readonly initLimit: number
  /** Ticks of silence after which the other side counts as lost. */
  readonly syncLimit: number
  /** Whether the peer ports listen on all interfaces, not only on the address in this server's own line. */
  readonly listensOnAllAddresses: boolean
  /** Whether clients that ask for no more are served reads while there is no leader. */
  readonly isReadOnlyModeEnabled: boolean
  readonly localSessions: LocalSessionsConfig
  readonly multiAddress: MultiAddressConfig
  readonly observerMaster: ObserverMasterConfig
}

/** All addresses of a server, in the order of its line. */
export function addressesOf(member: MemberConfig): readonly MemberAddress[] {
  return [member, ...member.moreAddresses]
}
