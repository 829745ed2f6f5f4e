import type { ServerId, Zxid } from '../../src/base/index.ts'
import type { Notification, Packet } from '../../src/zab/messages.ts'
import type { PersistRecord, RoleChange } from '../../src/zab/outbox.ts'
import type { Snapshot } from './disk-image.ts'

/** What the harness writes down, in the order in which it happened in the whole world. */
export type HistoryEvent = { readonly sid: ServerId } & (
  | { readonly kind: 'restart' | 'crash' }
  | { readonly kind: 'broadcast'; readonly zxid: Zxid; readonly txn: Uint8Array }
  /** Handed to the disk. */
  | { readonly kind: 'persist'; readonly record: PersistRecord }
  /** Survives a crash from now on. */
  | { readonly kind: 'durable'; readonly record: PersistRecord }
  | {
      readonly kind: 'apply'
      readonly zxid: Zxid
      readonly hash: number
      readonly txn: Uint8Array
    }
  | { readonly kind: 'checkpoint'; readonly at: Snapshot }
  /** `stream` numbers the connection, the same at both ends. */
  | {
      readonly kind: 'packet'
      readonly stream: number
      readonly to: ServerId
      readonly packet: Packet
    }
  | { readonly kind: 'vote'; readonly notification: Notification }
  | { readonly kind: 'role'; readonly change: RoleChange }
  | { readonly kind: 'close'; readonly reason: string }
  /** Does this server lead? Asked, and answered with yes. */
  | { readonly kind: 'asked' | 'confirmed'; readonly token: number }
)
