import type { ServerId, Zxid } from '../base/index.ts'
import { DecodeError, InputReader, type OutputBuffer } from '../wire/index.ts'
import { type Notification, PeerState } from '../zab/index.ts'

/** Version of the layout with the configuration at its end. */
const VERSION = 2
/** state, leader, zxid, electionEpoch. */
const OLDEST_BYTES = 28
/** The same, peerEpoch, and four bytes that nobody reads. */
const OLD_BYTES = 40
/** With version and length of the configuration. */
const NEW_BYTES_MIN = 44

const STATES: readonly PeerState[] = [
  PeerState.LOOKING,
  PeerState.FOLLOWING,
  PeerState.LEADING,
  PeerState.OBSERVING,
]

// int state, long leader, long zxid, long electionEpoch, long peerEpoch, int version, buffer config
export function writeNotification(out: OutputBuffer, notification: Notification): void {
  const { state, vote, config } = notification
  out.int32(state)
  out.int64Number(vote.leader)
  out.int64(vote.zxid)
  out.int64Number(vote.electionEpoch)
  out.int64Number(vote.peerEpoch)
  out.int32(VERSION)
  out.string(config)
}

const reader = new InputReader()

/**
 * Reads the notification in bytes[start, end), also the forms of servers before 3.4.6, which have no version and count
 * as version 0 (`FastLeaderElection.WorkerReceiver`).
 *
 * @throws DecodeError for what upstream drops; the connection goes on.
 */
export function readNotification(bytes: Uint8Array, start: number, end: number): Notification {
  const length = end - start
  const isOld = length === OLDEST_BYTES || length === OLD_BYTES
  if (!isOld && length < NEW_BYTES_MIN) throw new DecodeError(`notification of ${length} bytes`)
  reader.reset(bytes, start, end)
  try {
    const state = STATES[reader.int32()]
    if (state === undefined) throw new DecodeError('notification of a server in no known state')
    const leader = reader.int64Number() as ServerId
    const zxid = reader.int64() as Zxid
    const electionEpoch = reader.int64Number()
    const peerEpoch = length === OLDEST_BYTES ? Number(zxid >> 32n) : reader.int64Number()
    const vote = { leader, zxid, electionEpoch, peerEpoch }
    if (isOld) return { state, vote, version: 0, config: '' }
    const version = reader.int32()
    return { state, vote, version, config: version >= VERSION ? readConfig() : '' }
  } finally {
    reader.clear()
  }
}

function readConfig(): string {
  const config = reader.string()
  if (config === null) throw new DecodeError('notification with a configuration of length -1')
  return config
}
