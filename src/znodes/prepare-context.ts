import type { SessionId, Zxid } from '../base/index.ts'
import type { ErrorCode } from '../wire/codes.ts'
import type { AuthId } from '../wire/records.ts'
import type { AuthProviders } from './auth-providers.ts'
import type { PendingChanges } from './pending-changes.ts'

/** Who asks for a write, and the place in history it gets. */
export interface WriteOrigin {
  /** The session's id; 0 for requests of the server itself. For createSession and closeSession the one meant. */
  readonly sessionId: SessionId
  readonly cxid: number
  /** Higher than that of every write prepared before. */
  readonly zxid: Zxid
  /** Wall clock, ms. */
  readonly timeMs: number
  readonly ids: readonly AuthId[]
  /** Why the session may not write (-112, -118), reported where upstream would; ok unless given. */
  readonly sessionError?: ErrorCode
  /** Why the session may not make ephemerals (-112, -120); ok unless given. */
  readonly ephemeralError?: ErrorCode
}

/** What preparing one request works with. */
export interface PrepareContext {
  readonly pending: PendingChanges
  readonly providers: AuthProviders
  readonly origin: WriteOrigin
  readonly sessionError: ErrorCode
  readonly ephemeralError: ErrorCode
  readonly extendedTypesEnabled: boolean
  readonly enforceQuota: boolean
}
