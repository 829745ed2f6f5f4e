import type { ProposalSizesStatus } from './server-status.ts'

/** How long the proposals of one time of leadership are: header, transaction and digest (ProposalStats). */
export class ProposalSizes implements ProposalSizesStatus {
  lastBytes = -1
  minBytes = -1
  maxBytes = -1

  record(bytes: number): void {
    this.lastBytes = bytes
    if (this.minBytes < 0 || bytes < this.minBytes) this.minBytes = bytes
    if (bytes > this.maxBytes) this.maxBytes = bytes
  }
}
