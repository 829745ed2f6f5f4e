import { assert, type ServerId } from '../base/index.ts'
import type { Address, Connection, ConnectionHandler, IoError, Observer } from '../env/index.ts'
import { DecodeError, OutputBuffer } from '../wire/index.ts'
import { type LinkId, type Packet, PacketKind } from '../zab/index.ts'
import type { LearnerPortLimits } from './learner-options.ts'
import { Sender } from './packet-decoder.ts'
import { writePacket } from './packet-encoder.ts'
import { PacketReader, type PacketSink } from './packet-reader.ts'
import type { SnapshotSink, SnapshotStream } from './snapshot.ts'

/** What is written at once, so that a long synchronization needs no memory as long as itself at the link. */
const WRITE_BYTES = 256 * 1024
/** Pieces of a snapshot. */
const PIECE_BYTES = 64 * 1024
/** Unsent bytes of a snapshot at which no more of it is asked for. */
const STREAM_HIGH_WATER_BYTES = 64 * 1024
/** Bytes of a snapshot that are sent before others have a turn. */
const STREAM_TURN_BYTES = 256 * 1024

/** What a link needs from its port. */
export interface LinkHost {
  readonly limits: LearnerPortLimits
  nowMs(): number
  wallMs(): number
  endOfTurn(task: () => void): void
  newSnapshotSink(statement: Uint8Array | null): SnapshotSink
  /** Null for a server that is not of this ensemble. */
  queueMetrics(sid: ServerId): QueueMetrics | null
  /** An accepted link has said who it is. The host gives the link its id, or ends it. */
  onIntroduced(link: LearnerLink, sid: ServerId): void
  onPacket(link: LearnerLink, packet: Packet): void
  onProgress(link: LearnerLink): void
  onUnknownPacket(link: LearnerLink, type: number): void
  /** The link has ended, and not because the host wanted it. */
  onLost(link: LearnerLink, remote: string, reason: string): void
}

/** What is measured of the packets for one learner, until the operating system has taken them. */
export interface QueueMetrics {
  /** How many there are at the end of a turn in which some were sent. */
  readonly size: Observer
  /** How long the oldest of them waited, once there are none any more, in ms. */
  readonly time: Observer
}

/** A link as its operator sees it. */
export interface LinkStatus {
  readonly remote: Address
  /** Unix time. */
  readonly establishedMs: number
  /** What the operating system has not taken yet: packets sent since nothing was queued, and bytes. */
  readonly queuedPackets: number
  readonly queuedBytes: number
  readonly packetsReceived: number
  readonly packetsSent: number
  /** Requests of the learner's clients. */
  readonly requests: number
}

/** One connection between a learner and its leader, seen from either end. */
export class LearnerLink implements ConnectionHandler, PacketSink {
  /** Null until an accepted link has said who it is. */
  id: LinkId | null
  /** Open, and nothing has come on it yet. */
  isSilent = false
  /** In the port's list of links with something to send. */
  isInTurn = false

  readonly #host: LinkHost
  readonly #isDialled: boolean
  readonly #reader: PacketReader
  /** Null while being dialled, and once closed. */
  #socket: Connection | null = null
  #isClosed = false
  readonly #out = new OutputBuffer()
  #stream: SnapshotStream | null = null
  /** What waits behind the snapshot that is being sent. */
  #behind: Uint8Array[] = []
  #behindBytes = 0
  /** Set while a learner is sent what it lacks, up to NEWLEADER: the core has decided how much that is. */
  #isSynchronizing = false
  /** What of that still waits at most. */
  #syncBytes = 0
  #isPumpScheduled = false
  #lastProgressMs = Number.NEGATIVE_INFINITY
  #unknownPackets = 0
  #establishedMs = 0
  #packetsReceived = 0
  #packetsSent = 0
  #requests = 0
  #queuedPackets = 0
  #queuedSinceMs = 0
  /** Null on the learner's side, and until it has said who it is. */
  #queueMetrics: QueueMetrics | null = null

  /** `id` is null for an accepted link. */
  constructor(host: LinkHost, id: LinkId | null) {
    this.#host = host
    this.id = id
    this.#isDialled = id !== null
    const { learnerDataBytesMax, leaderDataBytesMax, idBytesMax } = host.limits
    const dataBytesMax = this.#isDialled ? leaderDataBytesMax : learnerDataBytesMax
    const sender = this.#isDialled ? Sender.LEADER : Sender.LEARNER
    this.#reader = new PacketReader(sender, { dataBytesMax, idBytesMax }, this)
    if (!this.#isDialled) this.#reader.expectIntroduction()
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Where the other end is. */
  get remote(): string {
    return this.#socket?.remote.host ?? ''
  }

  /** Null while it is being dialled, and once it is closed. */
  status(): LinkStatus | null {
    const socket = this.#socket
    if (socket === null) return null
    const queuedBytes = this.#queuedBytes
    return {
      remote: socket.remote,
      establishedMs: this.#establishedMs,
      queuedPackets: queuedBytes === 0 ? 0 : this.#queuedPackets,
      queuedBytes,
      packetsReceived: this.#packetsReceived,
      packetsSent: this.#packetsSent,
      requests: this.#requests,
    }
  }

  /** Counts anew (`LearnerHandler.resetObserverConnectionStats`). */
  resetStatus(): void {
    this.#packetsReceived = 0
    this.#packetsSent = 0
    this.#requests = 0
  }

  /** The socket is there; what has been sent until now goes out. */
  open(socket: Connection): void {
    this.#socket = socket
    this.isSilent = true
    this.#establishedMs = this.#host.wallMs()
    socket.keepAlive(this.#host.limits.keepAliveMs)
    this.flush()
  }

  /* ---------------------------------------------------------------- sending */

  /** Encodes a packet; `flush` sends it. */
  send(packet: Packet): void {
    if (this.#isClosed) return
    this.#packetsSent += 1
    if (this.#queuedBytes === 0) {
      this.#queuedPackets = 0
      this.#queuedSinceMs = this.#host.nowMs()
    }
    this.#queuedPackets += 1
    writePacket(this.#out, packet)
    if (packet.kind === PacketKind.SNAP) this.#startStream(packet.snapshot as SnapshotStream)
    else if (this.#out.length >= WRITE_BYTES) this.#moveOn()
    this.#checkQueue(packet.kind)
  }

  /**
   * A synchronization is sent in one turn, which no link can take as fast. Only what comes on top of it shows whether the
   * other end keeps up; cut off for its length, a learner would come again and again for the same.
   */
  #checkQueue(kind: Packet['kind']): void {
    const queuedBytes = this.#queuedBytes
    if (isSyncStart(kind)) this.#isSynchronizing = true
    if (this.#isSynchronizing) {
      this.#syncBytes = queuedBytes
      this.#isSynchronizing = kind !== PacketKind.NEWLEADER
      return
    }
    this.#syncBytes = Math.min(this.#syncBytes, queuedBytes)
    if (queuedBytes - this.#syncBytes > this.#host.limits.sendQueueBytesMax) {
      this.#lose(`does not take what it is sent: ${queuedBytes} bytes wait`)
    }
  }

  get #queuedBytes(): number {
    return this.#behindBytes + this.#out.length + (this.#socket?.bufferedBytes ?? 0)
  }

  /** One write for everything that has been sent; a snapshot goes out as the socket takes it. */
  flush(): void {
    if (this.#queuedPackets > 0) this.#queueMetrics?.size.observe(this.#queuedPackets)
    if (this.#stream === null) this.#moveOn()
    else this.#schedulePump()
    this.#noteTaken()
  }

  #noteTaken(): void {
    if (this.#queueMetrics === null || this.#queuedPackets === 0 || this.#queuedBytes > 0) return
    this.#queuedPackets = 0
    this.#queueMetrics.time.observe(this.#host.nowMs() - this.#queuedSinceMs)
  }

  /** Passes on what has been encoded: to the socket, or to what waits behind the snapshot. */
  #moveOn(): void {
    if (this.#socket === null || this.#out.length === 0) return
    const bytes = this.#out.take()
    if (this.#stream === null) {
      this.#socket.write(bytes)
    } else {
      this.#behind.push(bytes)
      this.#behindBytes += bytes.length
    }
  }

  #startStream(stream: SnapshotStream): void {
    assert(this.#socket !== null, 'a snapshot is sent on a link that stands')
    assert(this.#stream === null, 'a link carries one snapshot at a time')
    this.#moveOn()
    this.#stream = stream
  }

  /** Sends pieces of the snapshot until the socket has enough, or others should have a turn. */
  #pump(): void {
    const stream = this.#stream
    const socket = this.#socket
    if (stream === null || socket === null) return
    let left = STREAM_TURN_BYTES
    while (left > 0 && socket.bufferedBytes < STREAM_HIGH_WATER_BYTES) {
      const piece = stream.next(PIECE_BYTES)
      if (piece === null) {
        this.#endStream()
        return
      }
      socket.write(piece)
      left -= piece.length
    }
    if (left < STREAM_TURN_BYTES) this.#reportProgress()
    if (left <= 0) this.#schedulePump()
  }

  /** Not at once: progress must not be reported inside of a call of the handler. */
  #schedulePump(): void {
    if (this.#isPumpScheduled) return
    this.#isPumpScheduled = true
    this.#host.endOfTurn(this.#onPumpTurn)
  }

  readonly #onPumpTurn = (): void => {
    this.#isPumpScheduled = false
    this.#pump()
  }

  #endStream(): void {
    this.#stream?.end()
    this.#stream = null
    for (const bytes of this.#behind) this.#socket?.write(bytes)
    this.#behind = []
    this.#behindBytes = 0
    this.#moveOn()
  }

  /* ---------------------------------------------------------------- socket events */

  onBytes(chunk: Uint8Array): void {
    if (this.#isClosed) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#lose(`sent what cannot be read: ${error.message}`)
    }
  }

  onDrain(): void {
    this.#pump()
    this.#noteTaken()
  }

  /** Nobody half-closes here: the other end has gone. */
  onEnd(): void {
    this.#lose('the other end has closed the connection')
  }

  onClose(error: IoError | null): void {
    this.#lose(error === null ? 'the connection was closed' : error.message)
  }

  /* ---------------------------------------------------------------- packets */

  onPacket(packet: Packet): void {
    this.isSilent = false
    this.#packetsReceived += 1
    if (packet.kind === PacketKind.REQUEST) this.#requests += 1
    else if (packet.kind === PacketKind.FOLLOWERINFO || packet.kind === PacketKind.OBSERVERINFO) {
      this.#queueMetrics = this.#host.queueMetrics(packet.sid)
      if (this.id === null) this.#host.onIntroduced(this, packet.sid)
    }
    if (!this.#isClosed) this.#host.onPacket(this, packet)
  }

  onUnknownPacket(type: number): void {
    this.#unknownPackets += 1
    if (this.#unknownPackets === 1) this.#host.onUnknownPacket(this, type)
  }

  newSnapshotSink(statement: Uint8Array | null): SnapshotSink {
    // What nobody has asked for is not worth memory.
    if (!this.#isDialled) throw new DecodeError('a snapshot from a learner')
    return this.#host.newSnapshotSink(statement)
  }

  onSnapshotBytes(): void {
    this.#reportProgress()
  }

  #reportProgress(): void {
    const nowMs = this.#host.nowMs()
    if (nowMs - this.#lastProgressMs < this.#host.limits.progressMs) return
    this.#lastProgressMs = nowMs
    this.#host.onProgress(this)
  }

  /* ---------------------------------------------------------------- end */

  /** Sends what has been encoded, then ends; a snapshot breaks off. Nothing is reported any more. */
  close(): void {
    if (this.#isClosed) return
    this.flush()
    const socket = this.#socket
    this.#becomeClosed()
    socket?.end()
  }

  /** Ends at once. Nothing is reported any more. */
  destroy(): void {
    const socket = this.#socket
    this.#becomeClosed()
    socket?.destroy()
  }

  #lose(reason: string): void {
    if (this.#isClosed) return
    const { remote } = this
    this.destroy()
    this.#host.onLost(this, remote, reason)
  }

  #becomeClosed(): void {
    this.#isClosed = true
    this.#socket = null
    this.#reader.close()
    this.#stream?.end()
    this.#stream = null
    this.#behind = []
    this.#behindBytes = 0
    this.#out.reset()
  }
}

function isSyncStart(kind: Packet['kind']): boolean {
  return kind === PacketKind.DIFF || kind === PacketKind.TRUNC || kind === PacketKind.SNAP
}
