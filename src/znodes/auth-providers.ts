import { base64, decodeUtf8, encodeUtf8, sha1 } from '../base/index.ts'
import type { AuthId, ByteString } from '../wire/records.ts'
import { IpRange, parseIpAddress } from './ip-address.ts'

/** One authentication scheme (`AuthenticationProvider`). Texts come from outside: no method may throw. */
export interface AuthProvider {
  readonly scheme: string
  /** Whether an id of this scheme names a user, so that it takes the place of an `auth` entry in an ACL. */
  readonly isAuthenticated: boolean
  /** Whether an ACL may hold `aclId`. */
  isValid(aclId: string): boolean
  /** Whether a connection with the id `connectionId` is meant by `aclId`. */
  matches(connectionId: string, aclId: string): boolean
  /** The ids that an auth packet with `data` brings to a connection that has `ids`, or null to refuse it. */
  authenticate(data: ByteString | null, ids: readonly AuthId[]): readonly AuthId[] | null
  /** The part of an id that whoAmI may show. */
  userName(connectionId: string): string
}

export interface AuthOptions {
  /** `skipACL`: everybody may do everything. */
  readonly skipAcl?: boolean
  /** `zookeeper.DigestAuthenticationProvider.enabled`. */
  readonly isDigestEnabled?: boolean
  /** `zookeeper.DigestAuthenticationProvider.superDigest`, `user:base64`; null for no super user. */
  readonly superDigest?: string | null
  /** `zookeeper.DigestAuthenticationProvider.digestAlg`: bytes to digest, one character a byte; SHA-1 unless given. */
  readonly digest?: (bytes: string) => string
  /** Further schemes (`zookeeper.authProvider.N`); one of a built-in scheme takes its place. */
  readonly custom?: readonly AuthProvider[]
}

/** How many ids one connection may gather by auth packets; the next one is refused (our limit, -115). */
export const CONNECTION_IDS_MAX = 256

/** Longest `digest` auth data, in bytes: hashing more would hold up everybody else (our limit, -115). */
export const AUTH_DATA_MAX = 65_536

/**
 * The schemes this server knows. `world` (only `anyone`), `auth` and `super` have no provider: they mean something
 * in an ACL or on a connection (see acl.ts), but nobody can authenticate with them.
 */
export class AuthProviders {
  /** `skipACL`. */
  readonly skipAcl: boolean
  readonly #byScheme = new Map<string, AuthProvider>()

  constructor(options: AuthOptions = {}) {
    this.skipAcl = options.skipAcl ?? false
    this.#byScheme.set('ip', new IpProvider())
    if (options.isDigestEnabled ?? true) {
      this.#byScheme.set(
        'digest',
        new DigestProvider(options.digest ?? sha1, options.superDigest ?? null),
      )
    }
    for (const provider of options.custom ?? []) this.#byScheme.set(provider.scheme, provider)
  }

  find(scheme: string): AuthProvider | undefined {
    return this.#byScheme.get(scheme)
  }

  /**
   * An auth packet: the ids of the connection after it (the same array when it brings nothing new), or null when it
   * is refused, which is answered by -115 and the end of the connection. Ids are only ever added.
   */
  authenticate(
    scheme: string | null,
    data: ByteString | null,
    ids: readonly AuthId[],
  ): readonly AuthId[] | null {
    const provider = scheme === null ? undefined : this.#byScheme.get(scheme)
    const gained = provider?.authenticate(data, ids) ?? null
    if (gained === null) return null
    const fresh = gained.filter((id) => !ids.some((known) => equalIds(known, id)))
    if (fresh.length === 0) return ids
    return ids.length + fresh.length > CONNECTION_IDS_MAX ? null : [...ids, ...fresh]
  }

  /** The user name of an id as whoAmI shows it: never a password hash. */
  userName(id: AuthId): string {
    return this.#byScheme.get(id.scheme)?.userName(id.id) ?? id.id
  }
}

/** The id `user:base64(digest(user:password))` that auth data `user:password` gives, and that ACLs hold. */
export function digestId(
  userAndPassword: string,
  digest: (bytes: string) => string = sha1,
): string {
  const colon = userAndPassword.indexOf(':')
  const user = colon === -1 ? userAndPassword : userAndPassword.slice(0, colon)
  return `${user}:${base64(digest(encodeUtf8(userAndPassword)))}`
}

/** `DigestAuthenticationProvider`. A password may hold colons, a user may lack one; an ACL id has exactly two parts. */
class DigestProvider implements AuthProvider {
  readonly scheme = 'digest'
  readonly isAuthenticated = true
  readonly #digest: (bytes: string) => string
  readonly #superDigest: string | null

  constructor(digest: (bytes: string) => string, superDigest: string | null) {
    this.#digest = digest
    this.#superDigest = superDigest
  }

  /** Java's `split(":")` gives exactly two parts: it drops empty parts at the end, so `x:y:` is good and `x:` is not. */
  isValid(aclId: string): boolean {
    let end = aclId.length
    while (end > 0 && aclId.charAt(end - 1) === ':') end -= 1
    const colon = aclId.lastIndexOf(':', end - 1)
    return end > 0 && colon !== -1 && aclId.indexOf(':') === colon
  }

  matches(connectionId: string, aclId: string): boolean {
    return connectionId === aclId
  }

  authenticate(data: ByteString | null): readonly AuthId[] | null {
    if (data === null || data.length > AUTH_DATA_MAX) return null
    const id = digestId(decodeUtf8(data), this.#digest)
    const own: AuthId = { scheme: 'digest', id }
    return id === this.#superDigest ? [{ scheme: 'super', id: '' }, own] : [own]
  }

  userName(connectionId: string): string {
    const colon = connectionId.indexOf(':')
    return colon === -1 ? connectionId : connectionId.slice(0, colon)
  }
}

/** `IPAuthenticationProvider` of 3.9.4 and later: IPv4 and IPv6 addresses, each with an optional `/bits`. */
class IpProvider implements AuthProvider {
  readonly scheme = 'ip'
  readonly isAuthenticated = false

  isValid(aclId: string): boolean {
    return IpRange.parse(aclId) !== null
  }

  matches(connectionId: string, aclId: string): boolean {
    const range = IpRange.parse(aclId)
    const address = parseIpAddress(connectionId)
    return range !== null && address !== null && range.contains(address)
  }

  /** The address is on the connection from its start, so there is nothing to add and nothing to refuse. */
  authenticate(): readonly AuthId[] {
    return []
  }

  userName(connectionId: string): string {
    return connectionId
  }
}

function equalIds(a: AuthId, b: AuthId): boolean {
  return a.scheme === b.scheme && a.id === b.id
}
