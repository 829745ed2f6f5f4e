/**
 * What all connections together have asked for and not been answered, and writes on their way whose client has gone:
 * both cost memory until the disk has caught up.
 */
export class Outstanding {
  requests = 0
  /** Lengths of their frames. */
  bytes = 0

  /** Whether clients who ask and go have piled up twice what may be outstanding. */
  isFlooded(limits: {
    readonly outstandingMax: number
    readonly outstandingBytesMax: number
  }): boolean {
    const { outstandingMax, outstandingBytesMax } = limits
    return this.requests >= 2 * outstandingMax || this.bytes >= 2 * outstandingBytesMax
  }

  add(bytes: number): void {
    this.requests += 1
    this.bytes += bytes
  }

  remove(bytes: number): void {
    this.requests -= 1
    this.bytes -= bytes
  }
}
