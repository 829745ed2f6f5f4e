import type { BufferSizesStatus } from './server-status.ts'

/**
 * Sizes of what is sent, as `BufferStats` keeps them: of the proposals of one time of leadership (header, transaction
 * and digest), or of the replies to clients (without the length before them).
 */
export class BufferSizes implements BufferSizesStatus {
  lastBytes = -1
  minBytes = -1
  maxBytes = -1

  record(bytes: number): void {
    this.lastBytes = bytes
    if (this.minBytes < 0 || bytes < this.minBytes) this.minBytes = bytes
    if (bytes > this.maxBytes) this.maxBytes = bytes
  }

  reset(): void {
    this.lastBytes = -1
    this.minBytes = -1
    this.maxBytes = -1
  }
}
