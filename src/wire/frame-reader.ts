import { assert } from '../base/index.ts'
import { allocateBytes, asByteBuffer, type ByteBuffer, NO_BYTES, readInt32 } from './byte-buffer.ts'

/** Receives what a {@link FrameReader} finds. */
export interface FrameSink {
  /**
   * One whole frame; its payload is bytes[start, end), valid during the call only.
   * Return false to stop behind this frame until {@link FrameReader.resume}.
   */
  onFrame(bytes: Uint8Array, start: number, end: number): boolean
  /** The length of the next frame is negative or over the limit. The reader ignores everything from here on. */
  onBadLength(length: number): void
  /**
   * The first four bytes of the stream, before they count as a length (four-letter words arrive in their place).
   * Return true to turn framing off: what follows goes to `onRaw`.
   */
  onFirstWord?(word: number): boolean
  /** Bytes behind a first word that turned framing off; valid during the call only. */
  onRaw?(bytes: Uint8Array, start: number, end: number): void
}

const Mode = { firstWord: 0, frames: 1, raw: 2, closed: 3 } as const
type Mode = (typeof Mode)[keyof typeof Mode]

/**
 * Cuts a byte stream into frames of an int length and a payload. Frames that lie whole in a chunk are handed
 * out in place; only an incomplete tail is copied. What is held never exceeds twice what was received.
 */
export class FrameReader {
  /** Longest payload accepted (`jute.maxbuffer`); a frame of exactly this length passes. */
  lengthMax: number
  /** Bytes of the next frame that are handed out. */
  #keptMax: number
  /** Bytes that follow and belong to a frame handed out in part. */
  #skip = 0
  #mode: Mode = Mode.firstWord
  #stopped = false
  #dispatching = false
  #held: ByteBuffer = NO_BYTES
  #heldStart = 0
  #heldEnd = 0

  /**
   * Of a first frame longer than `firstKeptMax` only that much is kept and handed out; the rest is thrown away while
   * it arrives. It does not limit later frames.
   */
  constructor(lengthMax: number, firstKeptMax: number = Number.POSITIVE_INFINITY) {
    this.lengthMax = lengthMax
    this.#keptMax = firstKeptMax
  }

  /** Received bytes that wait for the rest of their frame or for {@link resume}. */
  get heldBytes(): number {
    return this.#heldEnd - this.#heldStart
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  /** Takes the next bytes of the stream; `chunk` may be reused by the caller afterwards. */
  push(chunk: Uint8Array, sink: FrameSink): void {
    assert(!this.#dispatching, 'push inside of a sink call')
    if (this.#mode === Mode.closed) return
    if (this.#stopped) {
      this.#hold(chunk, 0, chunk.length)
      return
    }
    const from = this.heldBytes > 0 ? this.#completeHeld(chunk, sink) : 0
    const to = this.#consume(chunk, from, chunk.length, sink)
    if (to < chunk.length && !this.#isClosed()) this.#hold(chunk, to, chunk.length)
  }

  /** Goes on after `onFrame` returned false, first with the bytes held. */
  resume(sink: FrameSink): void {
    assert(!this.#dispatching, 'resume inside of a sink call')
    this.#stopped = false
    const bytes = this.#held
    const end = this.#heldEnd
    const start = this.#heldStart
    this.#dropHeld()
    const to = this.#consume(bytes, start, end, sink)
    if (to < end && !this.#isClosed()) {
      this.#held = bytes
      this.#heldStart = to
      this.#heldEnd = end
    }
  }

  /** Drops what is held and ignores everything from here on. May be called inside of a sink call. */
  close(): void {
    this.#mode = Mode.closed
    this.#dropHeld()
  }

  /** Hands out what is whole in bytes[from, end); returns the offset of what is left. */
  #consume(bytes: Uint8Array, from: number, end: number, sink: FrameSink): number {
    let at = from
    while (!this.#stopped) {
      if (this.#mode >= Mode.raw) return this.#consumeRaw(bytes, at, end, sink)
      if (this.#skip > 0) at = this.#skipFrom(at, end)
      if (end - at < 4) break
      const head = readInt32(bytes, at)
      if (this.#mode === Mode.firstWord && this.#isWord(head, sink)) {
        at += 4
        continue
      }
      if (!this.#isLengthGood(head, sink)) return end
      const kept = Math.min(head, this.#keptMax)
      if (end - at - 4 < kept) break
      const start = at + 4
      at = start + kept
      this.#skip = head - kept
      this.#dispatch(bytes, start, at, sink)
    }
    return at
  }

  /** Completes the one frame that is held in part; returns how much of the chunk that took. */
  #completeHeld(chunk: Uint8Array, sink: FrameSink): number {
    let from = 0
    if (this.heldBytes < 4) {
      from = Math.min(4 - this.heldBytes, chunk.length)
      this.#hold(chunk, 0, from)
      if (this.heldBytes < 4) return from
    }
    const head = readInt32(this.#held, this.#heldStart)
    if (this.#mode === Mode.firstWord && this.#isWord(head, sink)) {
      this.#dropHeld()
      return from
    }
    if (!this.#isLengthGood(head, sink)) return chunk.length
    const kept = Math.min(head, this.#keptMax)
    const missing = 4 + kept - this.heldBytes
    const to = Math.min(from + missing, chunk.length)
    this.#hold(chunk, from, to)
    if (to - from < missing) return to
    const bytes = this.#held
    const start = this.#heldStart + 4
    this.#dropHeld()
    this.#skip = head - kept
    this.#dispatch(bytes, start, start + kept, sink)
    return to
  }

  /** The reader is past the frame already, so a throwing sink cannot make it read the frame twice. */
  #dispatch(bytes: Uint8Array, start: number, end: number, sink: FrameSink): void {
    this.#keptMax = Number.POSITIVE_INFINITY
    this.#dispatching = true
    try {
      if (!sink.onFrame(bytes, start, end)) this.#stopped = true
    } finally {
      this.#dispatching = false
    }
  }

  #skipFrom(from: number, end: number): number {
    const size = Math.min(this.#skip, end - from)
    this.#skip -= size
    return from + size
  }

  #consumeRaw(bytes: Uint8Array, from: number, end: number, sink: FrameSink): number {
    if (this.#mode === Mode.raw && from < end) sink.onRaw?.(bytes, from, end)
    return end
  }

  #isWord(word: number, sink: FrameSink): boolean {
    const isWord = sink.onFirstWord?.(word) === true
    if (this.#mode === Mode.firstWord) this.#mode = isWord ? Mode.raw : Mode.frames
    return isWord
  }

  #isLengthGood(length: number, sink: FrameSink): boolean {
    if (this.#isClosed()) return false
    if (length >= 0 && length <= this.lengthMax) return true
    this.close()
    sink.onBadLength(length)
    return false
  }

  #isClosed(): boolean {
    return this.#mode === Mode.closed
  }

  #hold(chunk: Uint8Array, from: number, to: number): void {
    const size = to - from
    if (this.#held.length - this.#heldEnd < size) {
      const live = this.heldBytes
      const larger = allocateBytes(Math.max(live + size, 2 * live))
      this.#held.copy(larger, 0, this.#heldStart, this.#heldEnd)
      this.#held = larger
      this.#heldStart = 0
      this.#heldEnd = live
    }
    asByteBuffer(chunk).copy(this.#held, this.#heldEnd, from, to)
    this.#heldEnd += size
  }

  #dropHeld(): void {
    this.#held = NO_BYTES
    this.#heldStart = 0
    this.#heldEnd = 0
  }
}
