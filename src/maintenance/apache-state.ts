import {
  LOG_HEAD_BYTES,
  type LogEnd,
  loadSnapshotFile,
  logHeadFault,
  readTxnLog,
  type SourceFile,
} from '../apache-files/index.ts'
import { formatHex, type Zxid } from '../base/index.ts'
import type { ReceivedSnapshot, ReplicatedState } from '../server/index.ts'
import { InputReader, readTxnHeader } from '../wire/index.ts'
import { MaintenanceError } from './maintenance-error.ts'
import { newState, TREE } from './state.ts'
import type { Progress } from './text.ts'

/** A record of a log of Apache's; the bytes are valid during the call. */
export interface ApacheRecord {
  readonly zxid: Zxid
  /** Unix ms, as the leader had it. */
  readonly time: number
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** In the file. */
  readonly offset: number
}

/** The state of a snapshot file, as the one after the zxid of its name. @throws MaintenanceError */
export async function loadSnapshot(
  file: SourceFile,
  onProgress: Progress,
): Promise<ReplicatedState> {
  const received = await new Promise<ReceivedSnapshot>((resolve, reject) => {
    const progress = (bytes: number): void => {
      onProgress('reading the snapshot', bytes, file.sizeBytes, 'bytes')
    }
    loadSnapshotFile(file, TREE, progress, (error, snapshot) => {
      if (snapshot !== null) resolve(snapshot)
      else
        reject(
          new MaintenanceError(
            `${file.path} is no whole snapshot: ${error!.message}`,
            false,
            error,
          ),
        )
    })
  })
  const state = newState()
  received.moveInto(state, file.zxid)
  return state
}

const header = new InputReader()

/**
 * Gives the records of a log file in order until `onRecord` returns false. Resolves with where and why reading ended.
 * @throws MaintenanceError when it is no log file
 */
export async function forEachApacheRecord(
  file: SourceFile,
  onRecord: (record: ApacheRecord) => boolean,
): Promise<LogEnd> {
  const head = await new Promise<Uint8Array>((resolve, reject) => {
    file.read(0, LOG_HEAD_BYTES, (error, bytes) =>
      error === null ? resolve(bytes!) : reject(error),
    )
  })
  const fault = logHeadFault(head)
  if (fault !== null) throw new MaintenanceError(`${file.path} is no log file: ${fault}`)
  const sink = {
    onRecord: (
      zxid: Zxid,
      bytes: Uint8Array,
      start: number,
      end: number,
      offset: number,
    ): boolean => {
      header.reset(bytes, start, end)
      const { time } = readTxnHeader(header)
      return onRecord({ zxid, time, bytes, start, end, offset })
    },
    onPiece: (_offset: number, next: () => void): void => next(),
  }
  return await new Promise<LogEnd>((resolve, reject) => {
    readTxnLog(file, LOG_HEAD_BYTES, sink, (error, end) => {
      if (error === null) resolve(end!)
      else reject(error)
    })
  })
}

/** Says in words what is wrong with the end of a log; null when nothing is. */
export function endFault({ path }: SourceFile, { kind, offset }: LogEnd): string | null {
  if (kind === 'unfinished') return `${path} ends in an unfinished record at offset ${offset}`
  if (kind === 'wrong') return `${path} has a record with a wrong checksum at offset ${offset}`
  return null
}

/** Applies a record to the state before it. @throws MaintenanceError */
export function applyRecord(
  state: ReplicatedState,
  { zxid, bytes, start, end }: Pick<ApacheRecord, 'bytes' | 'end' | 'start' | 'zxid'>,
): void {
  try {
    state.replay(zxid, bytes, start, end)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new MaintenanceError(`transaction ${formatHex(zxid)} cannot be applied: ${reason}`)
  }
}
