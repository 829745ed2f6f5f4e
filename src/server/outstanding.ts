/**
 * What all connections together have asked for and not been answered, and writes on their way whose client has gone:
 * both cost memory until the disk has caught up.
 */
export class Outstanding {
  requests = 0
  /** Lengths of their frames. */
  bytes = 0

  add(bytes: number): void {
    this.requests += 1
    this.bytes += bytes
  }

  remove(bytes: number): void {
    this.requests -= 1
    this.bytes -= bytes
  }
}
