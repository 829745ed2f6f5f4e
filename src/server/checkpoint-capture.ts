import type { SessionId } from '../base/index.ts'
import {
  ChangeKind,
  type CheckpointChange,
  type CheckpointSource,
  type StateSummary,
} from '../storage/index.ts'
import type { ChangeTracker } from '../znodes/index.ts'
import { FORGOTTEN, type SessionTable } from './session-table.ts'

/**
 * What changed between the last checkpoint and the zxid of `summary`: sessions first, then znodes. Transactions go
 * on while it is read; the tree keeps the frozen state of what they change.
 */
export class CheckpointCapture implements CheckpointSource {
  readonly summary: StateSummary
  readonly #znodes: ChangeTracker
  readonly #sessions: SessionTable
  readonly #changedSessions: ReadonlyMap<SessionId, number>
  readonly #sessionsLeft: Iterator<[SessionId, number]>

  /** Freezes the changes; `summary` describes the state as it is now. */
  constructor(summary: StateSummary, znodes: ChangeTracker, sessions: SessionTable) {
    this.summary = summary
    this.#znodes = znodes
    this.#sessions = sessions
    this.#changedSessions = sessions.takeChanged()
    this.#sessionsLeft = this.#changedSessions.entries()
    znodes.beginCheckpoint()
  }

  next(max: number): readonly CheckpointChange[] {
    const changes: CheckpointChange[] = []
    while (changes.length < max) {
      const next = this.#sessionsLeft.next()
      if (next.done === true) break
      const [id, timeoutMs] = next.value
      changes.push(
        timeoutMs === FORGOTTEN
          ? { kind: ChangeKind.sessionGone, id }
          : { kind: ChangeKind.session, id, timeoutMs },
      )
    }
    if (changes.length === max) return changes
    for (const { path, row } of this.#znodes.next(max - changes.length)) {
      changes.push(
        row === null ? { kind: ChangeKind.znodeGone, path } : { kind: ChangeKind.znode, row },
      )
    }
    return changes
  }

  end(durable: boolean): void {
    this.#znodes.endCheckpoint(durable)
    if (!durable) this.#sessions.restoreChanged(this.#changedSessions)
  }
}
