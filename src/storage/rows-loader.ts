import type { Zxid } from '../base/index.ts'
import type { IoError, Rows } from '../env/index.ts'
import { DecodeError } from '../wire/index.ts'
import { markOf } from './control-state.ts'
import { type CheckpointMark, type ControlState, sameSummary } from './format.ts'
import { metaRange, RowDamage, RowDecoder, sessionRange, znodeRange } from './rows-codec.ts'
import type { StateMachine } from './types.ts'

const ROWS_PER_CHUNK = 1000

export type RowsOutcome =
  /** The machine holds the state of `mark`, verified. */
  | { readonly kind: 'loaded'; readonly mark: CheckpointMark; readonly rows: number }
  /** No checkpoint was ever finished in this store. */
  | { readonly kind: 'none' }
  /** The rows cannot be trusted. */
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: IoError }

export type MetaOutcome =
  | { readonly kind: 'found'; readonly mark: CheckpointMark }
  /** The rows are intact and hold a state that the log has not reached: its end is missing. */
  | { readonly kind: 'ahead'; readonly zxid: Zxid }
  | Exclude<RowsOutcome, { kind: 'loaded' }>

/** The generation of rows in use. */
export function generationOf(control: ControlState): number {
  return control.done?.generation ?? 1
}

/** Reads which state the rows hold and holds it against what the log knows. */
export function readMeta(
  rows: Rows,
  folderId: Uint8Array,
  control: ControlState,
  lastLogged: Zxid,
  done: (outcome: MetaOutcome) => void,
): void {
  const generation = generationOf(control)
  const decoder = new RowDecoder()
  let outcome: MetaOutcome = { kind: 'none' }
  rows.scan(
    metaRange(generation),
    ROWS_PER_CHUNK,
    (chunk) => {
      for (const row of chunk) {
        const damage = damageOf(() => {
          const meta = decoder.meta(row)
          if (!meta.folderId.every((byte, i) => byte === folderId[i])) {
            throw new RowDamage('the rows belong to the log of another server')
          }
          const { zxid } = meta.mark.summary
          const mark = markOf(control, generation, zxid)
          if (mark === null && zxid > lastLogged) {
            outcome = { kind: 'ahead', zxid }
            return
          }
          if (mark === null || !sameSummary(mark.summary, meta.mark.summary)) {
            throw new RowDamage('the log knows of no checkpoint with this zxid and digest')
          }
          outcome = { kind: 'found', mark }
        })
        if (damage !== null) outcome = damage
      }
    },
    (error) => done(error === null ? outcome : scanFailed(error)),
  )
}

/** Loads the rows into the machine and verifies them: each row, their count, and the digest of the whole. */
export function loadRows(
  rows: Rows,
  mark: CheckpointMark,
  machine: StateMachine,
  done: (outcome: RowsOutcome) => void,
): void {
  const decoder = new RowDecoder()
  let count = 0
  let damage: RowsOutcome | null = null
  machine.beginLoad()
  rows.scan(
    znodeRange(mark.generation),
    ROWS_PER_CHUNK,
    (chunk) => {
      count += chunk.length
      damage ??= damageOf(() => {
        for (const row of chunk) machine.loadZnode(decoder.znode(row))
      })
    },
    (error) => {
      if (error !== null) return done(scanFailed(error))
      if (damage !== null) return done(damage)
      loadSessions()
    },
  )

  function loadSessions(): void {
    rows.scan(
      sessionRange(mark.generation),
      ROWS_PER_CHUNK,
      (chunk) => {
        damage ??= damageOf(() => {
          for (const row of chunk) {
            const { id, timeoutMs } = decoder.session(row)
            machine.loadSession(id, timeoutMs)
          }
        })
      },
      (error) => {
        if (error !== null) return done(scanFailed(error))
        if (damage !== null) return done(damage)
        machine.endLoad(mark.summary.zxid)
        const isSame = sameSummary(machine.summary(), mark.summary)
        if (isSame) done({ kind: 'loaded', mark, rows: count })
        else done({ kind: 'damaged', reason: 'count or digest of the rows differ from the log' })
      },
    )
  }
}

function scanFailed(error: IoError): Exclude<RowsOutcome, { kind: 'loaded' }> {
  if (error.code === 'ECORRUPT') return { kind: 'damaged', reason: error.message }
  return { kind: 'failed', error }
}

/** Damaged rows may also be such that the machine refuses them, e.g. a znode without its parent. */
function damageOf(load: () => void): { kind: 'damaged'; reason: string } | null {
  try {
    load()
    return null
  } catch (error) {
    const isExpected = error instanceof RowDamage || error instanceof DecodeError
    const reason = error instanceof Error ? error.message : String(error)
    return {
      kind: 'damaged',
      reason: isExpected ? reason : `the rows do not fit together: ${reason}`,
    }
  }
}
