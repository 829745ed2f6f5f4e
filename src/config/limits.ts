/**
 * Every bound on memory and disk that the outside can push against. Units are in the names; 0 means unlimited
 * only where it says so. `docs/limits.md` lists the same names.
 */
export interface Limits {
  /**
   * Longest frame a client may send (`jute.maxbuffer`). One byte more closes the connection, before the body
   * is read.
   */
  readonly requestFrameBytesMax: number
  /**
   * Bytes of the first frame of a connection that are kept. Of a longer one, up to `requestFrameBytesMax` as
   * upstream accepts it, the rest is thrown away while it arrives: somebody without a session must not be able to make
   * the server hold a megabyte.
   */
  readonly connectFrameKeptBytesMax: number
  /** How long a connection may stay without a session (`nio.sessionlessCnxnTimeout`). */
  readonly handshakeTimeoutMs: number
  /**
   * Requests of one connection that are admitted and not answered. At the limit the server stops reading that
   * connection, so a client that floods waits in its own socket buffer.
   */
  readonly outstandingPerConnectionMax: number
  /** The same for the lengths of their frames: requests may be a megabyte each. */
  readonly outstandingBytesPerConnectionMax: number
  /**
   * Requests of all connections that are admitted and not answered. At the limit, connections that are owed some
   * replies are not read; the others are, so a flood does not shut anybody out. At twice the limit, which takes clients
   * that ask and go, writes are refused.
   */
  readonly outstandingMax: number
  /** The same for the lengths of their frames. */
  readonly outstandingBytesMax: number
  /**
   * Unsent bytes of one connection at which the server stops reading it, so that a client can ask for no more
   * than it takes away.
   */
  readonly outputHighWaterBytes: number
  /**
   * Unsent bytes at which a connection is cut. Beyond the high-water mark only watch events and the replies
   * already owed come in, and not reading requests does not stop those.
   */
  readonly outputBytesMax: number
  /** Connections from one address (`maxClientCnxns`); 0 is unlimited. More are closed at once. */
  readonly connectionsPerAddressMax: number
  /** Connections in all (`maxCnxns`); 0 is unlimited. More are closed at once. */
  readonly connectionsMax: number
  /** Size of one file of the log. Its blocks are allocated before it is used, so it cannot run out inside. */
  readonly logSegmentBytes: number
  /** Transactions after which the checkpoint is brought up to date (`snapCount`). */
  readonly checkpointTxns: number
  /** Log bytes after which the checkpoint is brought up to date (`snapSizeLimitInKb`): bounds recovery time. */
  readonly checkpointLogBytes: number
  /** Free space of the file system below which writes are refused, while reading goes on. */
  readonly diskFreeBytesMin: number
  /** Space held back for deleting, purging, stopping and starting again once the disk is full. */
  readonly diskReserveBytes: number
  /** How long a closing connection may take to read its last replies. */
  readonly closeFlushTimeoutMs: number
  /** Containers and expired TTL nodes deleted in one minute (`znode.container.maxPerMinute`). */
  readonly containerDeletesPerMinuteMax: number
}

const KIB = 1024
const MIB = 1024 * KIB

/** Upstream's default for `jute.maxbuffer`: one byte less than a mebibyte. */
export const JUTE_MAXBUFFER = 0xfffff

/** The most that `jute.maxbuffer` may be: longer requests could not be held as one string. */
export const REQUEST_FRAME_BYTES_CEILING: number = 256 * MIB

/** The bounds in force when nothing is configured. */
export const DEFAULT_LIMITS: Limits = {
  requestFrameBytesMax: JUTE_MAXBUFFER,
  connectFrameKeptBytesMax: 16 * KIB,
  handshakeTimeoutMs: 10_000,
  outstandingPerConnectionMax: 1000,
  outstandingBytesPerConnectionMax: 8 * MIB,
  outstandingMax: 20_000,
  outstandingBytesMax: 128 * MIB,
  outputHighWaterBytes: 4 * MIB,
  outputBytesMax: 16 * MIB,
  connectionsPerAddressMax: 60,
  connectionsMax: 0,
  logSegmentBytes: 64 * MIB,
  checkpointTxns: 1_000_000,
  checkpointLogBytes: 256 * MIB,
  diskFreeBytesMin: 32 * MIB,
  diskReserveBytes: 16 * MIB,
  closeFlushTimeoutMs: 5000,
  containerDeletesPerMinuteMax: 10_000,
}
