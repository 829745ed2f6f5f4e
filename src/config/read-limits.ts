import {
  DEFAULT_LIMITS,
  JUTE_MAXBUFFER,
  type Limits,
  REQUEST_FRAME_BYTES_CEILING,
} from './limits.ts'
import type { Settings } from './settings.ts'

const INT32_MAX = 0x7fff_ffff
const KIB = 1024
const LOG_SEGMENT_BYTES_FLOOR = 1024 * KIB

/** @throws ConfigError */
export function readLimits(settings: Settings): Limits {
  const fallback = DEFAULT_LIMITS
  const snapSizeKib = settings.integer('snapSizeLimitInKb', 4_194_304, -INT32_MAX, INT32_MAX)
  return {
    ...fallback,
    requestFrameBytesMax: settings.integer(
      'jute.maxbuffer',
      JUTE_MAXBUFFER,
      KIB,
      REQUEST_FRAME_BYTES_CEILING,
    ),
    handshakeTimeoutMs: settings.integer(
      'nio.sessionlessCnxnTimeout',
      fallback.handshakeTimeoutMs,
      1,
      INT32_MAX,
    ),
    outstandingMax: readOutstandingMax(settings),
    connectionsPerAddressMax: Math.max(
      0,
      settings.integer('maxClientCnxns', fallback.connectionsPerAddressMax, -1, INT32_MAX),
    ),
    connectionsMax: Math.max(
      0,
      settings.integer('maxCnxns', fallback.connectionsMax, -1, INT32_MAX),
    ),
    logSegmentBytes: Math.max(
      LOG_SEGMENT_BYTES_FLOOR,
      KIB * settings.integer('preAllocSize', fallback.logSegmentBytes / KIB, 0, KIB * KIB),
    ),
    checkpointTxns: Math.max(
      2,
      settings.integer('snapCount', fallback.checkpointTxns, 0, INT32_MAX),
    ),
    checkpointLogBytes:
      snapSizeKib <= 0
        ? fallback.checkpointLogBytes
        : Math.min(fallback.checkpointLogBytes, snapSizeKib * KIB),
    containerDeletesPerMinuteMax: settings.integer(
      'znode.container.maxPerMinute',
      fallback.containerDeletesPerMinuteMax,
      1,
      INT32_MAX,
    ),
  }
}

/** Both keys hold requests back; upstream's throttler does so in a queue, here they stay with their clients. */
function readOutstandingMax(settings: Settings): number {
  const { outstandingMax } = DEFAULT_LIMITS
  const limit = settings.integer('globalOutstandingLimit', outstandingMax, 1, INT32_MAX)
  const throttled = settings.integer('request_throttle_max_requests', 0, -1, INT32_MAX)
  return throttled <= 0 ? limit : Math.min(limit, throttled)
}
