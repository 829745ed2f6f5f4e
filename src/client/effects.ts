import type { Address } from '../env/index.ts'
import type { Call } from './call.ts'
import type { ZkError } from './errors.ts'
import type { SaslMechanism } from './sasl.ts'
import type { Session } from './session.ts'
import type { WatchEventType, WatchSink } from './watch-table.ts'

/**
 * - `connecting`: no session yet.
 * - `connected`: a server with a quorum answers. `readonly`: one without, which takes no writes.
 * - `suspended`: no connection; the session still lives.
 * - `lost`: the session is over or may be. The client goes on: it takes the session up again if the server still has
 *   it, else it begins a new one.
 * - `closed`: for good.
 */
export type ClientState = 'closed' | 'connected' | 'connecting' | 'lost' | 'readonly' | 'suspended'

export interface StateChange {
  readonly state: ClientState
  readonly previous: ClientState
  /** 0n before the first session. */
  readonly sessionId: bigint
  /** The server, `host:port`, or why there is none. */
  readonly reason: string
}

/** A connection, or an attempt at one, has ended. */
export interface ConnectionEnd {
  /** `host:port` */
  readonly server: string
  readonly reason: string
}

/** What the core asks its driver to do, in this order. */
export type Effect =
  | { readonly kind: 'lookUp'; readonly attempt: number; readonly name: string }
  | { readonly kind: 'connect'; readonly attempt: number; readonly address: Address }
  | {
      readonly kind: 'prove'
      readonly attempt: number
      readonly mechanism: SaslMechanism
      readonly address: Address
      readonly challenge: Uint8Array | null
    }
  /** Asks another server, on a connection of its own, whether it takes writes. */
  | { readonly kind: 'probe'; readonly attempt: number; readonly address: Address }
  /** `isOrderly`: what is written goes out first. */
  | { readonly kind: 'disconnect'; readonly attempt: number; readonly isOrderly: boolean }
  | { readonly kind: 'resolve'; readonly call: Call; readonly value: unknown }
  | { readonly kind: 'reject'; readonly call: Call; readonly error: ZkError }
  | {
      readonly kind: 'event'
      readonly sink: WatchSink
      readonly type: WatchEventType
      readonly path: string
      readonly zxid: bigint | null
    }
  | { readonly kind: 'connectionEnd'; readonly end: ConnectionEnd }
  | { readonly kind: 'state'; readonly change: StateChange }
  | { readonly kind: 'sessionEnd'; readonly session: Session; readonly error: ZkError }
  | { readonly kind: 'log'; readonly level: 'info' | 'warn'; readonly message: string }
