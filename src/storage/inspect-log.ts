import type { Zxid } from '../base/index.ts'
import type { IoError, LogFolder } from '../env/index.ts'
import { GroupKind, parseSegmentName } from './format.ts'
import { describeIoError } from './io-errors.ts'
import { closeAll, firstSegmentAfter, type LogScan, replayLog, scanLog } from './log-scan.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import { StorageError } from './storage-error.ts'
import type { LoggedEntry } from './types.ts'

/** What a log says about its server, without the state. */
export interface LogFacts {
  /** Highest epoch promised. */
  readonly acceptedEpoch: number
  /** Epoch of the leader whose history this is. */
  readonly currentEpoch: number
  readonly lastZxid: Zxid
  /** The entry with that zxid; null when it is not in the log any more, as after a snapshot. */
  readonly lastEntry: LoggedEntry | null
  /** Zxid of the last complete checkpoint, or of a snapshot that was installed; null when there is none. */
  readonly checkpointZxid: Zxid | null
  readonly segments: number
  /** Grows with every durable write: the log is what it was if this is the same. */
  readonly sequence: number
  readonly wasCleanStop: boolean
  /** Bytes of an unfinished write at the end. */
  readonly tornBytes: number
}

/**
 * Reads and verifies the whole log of a server that does not run. Nothing is written, but the folder is locked
 * meanwhile. Exactly one of the arguments of `done` is null; the code of the error is `LOCKED` while a server runs
 * and `NO_LOG` when there is no log.
 */
export function inspectLog(
  env: Pick<StorageEnvironment, 'logFile'>,
  dataLogDir: string,
  done: (error: StorageError | null, facts: LogFacts | null) => void,
): void {
  const path = `${dataLogDir}/log`
  const failed = (what: string, error: IoError): void =>
    done(describeIoError(what, path, error), null)
  env.logFile.entries(path, (error, names) => {
    if (error !== null) return failed('The log folder cannot be read', error)
    // Opening a folder makes it, so that is not done before there is something in it.
    if (!names!.some((name) => parseSegmentName(name)?.isPrepared === false)) {
      return done(noLog(path), null)
    }
    env.logFile.openFolder(path, (openError, folder) => {
      if (openError !== null) return failed('The log folder cannot be opened', openError)
      inspectFolder(folder!, (fault, facts) => folder!.close(() => done(fault, facts)))
    })
  })
}

function noLog(path: string): StorageError {
  return new StorageError(
    'NO_LOG',
    'There is no log, so this is no data folder of zabkeeper',
    path,
    'Give the dataDir of a server that has run, or its zoo.cfg if the log has a folder of its own',
  )
}

function inspectFolder(
  folder: LogFolder,
  done: (error: StorageError | null, facts: LogFacts | null) => void,
): void {
  folder.list((error, infos) => {
    if (error !== null) {
      return done(describeIoError('The log folder cannot be read', folder.path, error), null)
    }
    const segments = infos!.filter(({ name }) => parseSegmentName(name)?.isPrepared === false)
    scanLog(folder, segments, (scanError, scan) => {
      if (scanError !== null) return done(scanError, null)
      const end = (fault: StorageError | null, facts: LogFacts | null): void =>
        closeAll(
          scan!.segments.map(({ file }) => file),
          () => done(fault, facts),
        )
      findLastEntry(scan!, (fault, entry) => {
        if (fault === null) end(null, factsOf(scan!, entry))
        else end(fault, null)
      })
    })
  })
}

function factsOf(scan: LogScan, lastEntry: LoggedEntry | null): LogFacts {
  const { control, position, segments, tornEnd } = scan
  return {
    acceptedEpoch: control.acceptedEpoch,
    currentEpoch: control.currentEpoch,
    lastZxid: position.lastZxid,
    lastEntry,
    checkpointZxid: control.done?.summary.zxid ?? null,
    segments: segments.length,
    sequence: position.sequence,
    wasCleanStop: scan.lastKind === GroupKind.stopped,
    tornBytes: tornEnd - position.offset,
  }
}

function findLastEntry(
  scan: LogScan,
  done: (error: StorageError | null, entry: LoggedEntry | null) => void,
): void {
  const { lastZxid } = scan.position
  const before = (lastZxid - 1n) as Zxid
  let found: LoggedEntry | null = null
  const sink = {
    onEntry: (zxid: Zxid, bytes: Uint8Array, start: number, end: number): void => {
      if (zxid === lastZxid) found = { zxid, txn: bytes.slice(start, end) }
    },
  }
  replayLog(scan, firstSegmentAfter(scan, before), before, sink, (error) => done(error, found))
}
