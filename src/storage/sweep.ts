import type { DoneVoid, IoError, RowRange, Rows } from '../env/index.ts'
import { earlierGenerations, laterGenerations } from './rows-codec.ts'

const ROWS_PER_CHUNK = 1000

/**
 * Deletes the rows of all generations but one: what a snapshot has replaced, or what is left of one that was not
 * completed. Nobody reads them, so it may stop anywhere. `isStopping` is asked now and then.
 */
export function sweepRows(
  rows: Rows,
  generation: number,
  isStopping: () => boolean,
  done: DoneVoid,
): void {
  let failure: IoError | null = null
  let writing = 0
  let isScanned = false
  sweep(earlierGenerations(generation), () =>
    sweep(laterGenerations(generation), () => {
      isScanned = true
      finish()
    }),
  )

  function sweep(range: RowRange, then: () => void): void {
    rows.scan(
      range,
      ROWS_PER_CHUNK,
      (chunk) => {
        if (failure !== null || isStopping()) return
        const batch = rows.newBatch()
        for (const { key } of chunk) batch.delete(key)
        writing++
        batch.write((error) => {
          writing--
          failure ??= error
          finish()
        })
      },
      (error) => {
        failure ??= error
        then()
      },
    )
  }

  function finish(): void {
    if (isScanned && writing === 0) done(failure)
  }
}
