import type { SessionId, Zxid } from '../base/index.ts'
import type { ReplicatedState } from '../server/index.ts'
import type { ReceivedState, StateSummary, ZnodeRow } from '../storage/index.ts'

const ZNODES_PER_REPORT = 1000

/** A state that nothing changes meanwhile, for `Storage.install`. */
export class WholeState implements ReceivedState {
  readonly #state: ReplicatedState
  readonly #onProgress: (znodesGiven: number) => void

  constructor(state: ReplicatedState, onProgress: (znodesGiven: number) => void) {
    this.#state = state
    this.#onProgress = onProgress
  }

  summary(zxid: Zxid): StateSummary {
    return { ...this.#state.summary(), zxid }
  }

  /** With timeout 0: closed ones that are remembered. */
  sessions(): readonly { readonly id: SessionId; readonly timeoutMs: number }[] {
    const rows: { readonly id: SessionId; readonly timeoutMs: number }[] = []
    this.#state.sessions.forEach((id, timeoutMs) => {
      rows.push({ id, timeoutMs })
    })
    this.#state.sessions.forEachEnded((id) => {
      rows.push({ id, timeoutMs: 0 })
    })
    return rows
  }

  *znodes(): IterableIterator<ZnodeRow> {
    const capture = this.#state.tree.beginCapture()
    try {
      let given = 0
      for (let row = capture.next(); row !== null; row = capture.next()) {
        given++
        if (given % ZNODES_PER_REPORT === 0) this.#onProgress(given)
        yield row
      }
    } finally {
      capture.end()
    }
  }
}
