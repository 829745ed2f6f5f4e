import { formatHex, NO_ZXID, type Zxid } from '../base/index.ts'
import type { IoError, LogFile, LogFileInfo, LogFolder, Rows } from '../env/index.ts'
import { lastInstall, zxidBefore } from './cuts.ts'
import {
  type CheckpointMark,
  encodeSegmentHeader,
  FOLDER_ID_BYTES,
  GroupKind,
  NO_CONTROL_STATE,
  parseSegmentName,
  preparedName,
  RESERVE_NAME,
  SECTOR_BYTES,
  type SegmentHeader,
  saltOf,
  segmentName,
} from './format.ts'
import { describeIoError } from './io-errors.ts'
import { LogCleaner } from './log-cleaner.ts'
import { closeAll, firstSegmentAfter, type LogScan, replayLog, scanLog } from './log-scan.ts'
import type { StorageOptions } from './options.ts'
import { loadRows, type RowsOutcome, readMeta } from './rows-loader.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import { StorageError } from './storage-error.ts'
import { TailCollector } from './tail-collector.ts'
import type { LoggedTail, RecoveryReport, StateMachine } from './types.ts'

/** Everything a running storage starts from. */
export interface Recovered {
  readonly folder: LogFolder
  readonly scan: LogScan
  readonly rows: Rows
  readonly rowsPath: string
  /** Zxid of the state in the rows; null when they hold none. */
  readonly rowsZxid: Zxid | null
  readonly hasReserve: boolean
  /** What the machine was not brought to; null when it has everything. */
  readonly tail: LoggedTail | null
  /** Entries behind the state in the rows. */
  readonly entriesAfterRows: number
  readonly report: RecoveryReport
}

export type RecoveryDone = (error: StorageError | null, recovered: Recovered | null) => void

/**
 * Brings the machine to the state of the durable log (of the checkpoint, if `replay` says so), or explains why that is
 * not possible. Nothing is ever taken
 * for an empty server that is not one, and nothing is written before everything has been read and verified.
 */
export function recover(
  env: StorageEnvironment,
  options: StorageOptions,
  machine: StateMachine,
  done: RecoveryDone,
): void {
  new Recovery(env, options, machine, done).start()
}

/** Names that belong to an Apache ZooKeeper data folder. */
const APACHE_NAME = /^(version-\d+\/|(log|snapshot)\.[0-9a-f]+(\.(gz|snappy))?)$/

/** Why there are no rows to open: they were never made, or are gone as a whole. */
const ROWS_MISSING = 'it is missing'

class Recovery {
  readonly #env: StorageEnvironment
  readonly #options: StorageOptions
  readonly #machine: StateMachine
  readonly #done: RecoveryDone
  readonly #logPath: string
  readonly #rowsPath: string
  #folder: LogFolder | null = null
  #infos: readonly LogFileInfo[] = []
  #scan: LogScan | null = null
  #rows: Rows | null = null
  #isNew = false
  #rowsZxid: Zxid | null = null
  #rowsLoaded = 0
  #replayed = 0
  #entriesAfterRows = 0
  #tail: LoggedTail | null = null

  constructor(
    env: StorageEnvironment,
    options: StorageOptions,
    machine: StateMachine,
    done: RecoveryDone,
  ) {
    this.#env = env
    this.#options = options
    this.#machine = machine
    this.#done = done
    this.#logPath = `${options.dataLogDir}/log`
    this.#rowsPath = `${options.dataDir}/checkpoint`
  }

  start(): void {
    this.#env.logFile.entries(this.#logPath, (error, ours) => {
      if (error !== null) return this.#failIo('The log folder cannot be read', this.#logPath, error)
      const hasLog = ours!.some((name) => parseSegmentName(name)?.isPrepared === false)
      if (hasLog) return this.#openFolder()
      this.#refuseForeign([this.#options.dataDir, this.#options.dataLogDir])
    })
  }

  /* ---------------------------------------------------------------- what is there */

  /** Before a new server is made: is this the data folder of an Apache ZooKeeper? */
  #refuseForeign(folders: readonly string[]): void {
    const [path, ...rest] = folders
    if (path === undefined) {
      this.#openFolder()
      return
    }
    this.#env.logFile.entries(path, (error, names) => {
      if (error !== null) return this.#failIo('The data folder cannot be read', path, error)
      const foreign = names!.filter((name) => APACHE_NAME.test(name))
      if (foreign.length === 0) return this.#refuseForeign(rest)
      this.#fail(
        new StorageError(
          'FOREIGN_FILES',
          `The data folder belongs to an Apache ZooKeeper: ${listNames(foreign)}`,
          path,
          'Give this server a data folder of its own; zabkeeper import makes one with the data of this one',
        ),
      )
    })
  }

  #openFolder(): void {
    this.#env.logFile.openFolder(this.#logPath, (error, folder) => {
      if (error !== null) {
        return this.#failIo('The log folder cannot be opened', this.#logPath, error)
      }
      this.#folder = folder
      folder!.list((listError, infos) => {
        if (listError !== null) {
          return this.#failIo('The log folder cannot be read', this.#logPath, listError)
        }
        this.#infos = infos!
        this.#judgeFiles()
      })
    })
  }

  #judgeFiles(): void {
    const foreign = this.#infos
      .map(({ name }) => name)
      .filter((name) => name !== RESERVE_NAME && parseSegmentName(name) === null)
    if (foreign.length > 0) {
      this.#fail(
        new StorageError(
          'FOREIGN_FILES',
          `Files that are not ours are in the log folder: ${listNames(foreign)}`,
          this.#logPath,
          'Move them elsewhere',
        ),
      )
      return
    }
    const segments = this.#infos.filter(({ name }) => parseSegmentName(name)?.isPrepared === false)
    if (segments.length > 0) {
      this.#scanLog(segments)
      return
    }
    this.#openRows((_rows, problem) => {
      // A first start that was interrupted leaves at most the prepared first segment.
      const isFresh =
        problem === ROWS_MISSING && this.#infos.every(({ name }) => name === preparedName(1))
      if (isFresh) return this.#bootstrap()
      this.#fail(
        new StorageError(
          'LOG_DAMAGED',
          'The log is missing, but this is not a new server: there is a checkpoint or a remnant of the log',
          this.#logPath,
          `Put the log folder back. If it is lost, empty ${this.#logPath} and ${this.#rowsPath}: a member of an ` +
            'ensemble is then brought up to date by the others, a single server begins anew without its data',
        ),
      )
    })
  }

  /** Opens the rows if they exist; otherwise says why they cannot be opened. */
  #openRows(done: (rows: Rows | null, problem: string | null) => void): void {
    this.#env.rows.open(this.#rowsPath, { createIfMissing: false }, (error, rows) => {
      if (error === null) {
        this.#rows = rows
        return done(rows, null)
      }
      if (error.code === 'ENOENT') return done(null, ROWS_MISSING)
      if (error.code === 'ECORRUPT') return done(null, error.message)
      this.#failIo('The checkpoint cannot be opened', this.#rowsPath, error)
    })
  }

  /* ---------------------------------------------------------------- a new server */

  #bootstrap(): void {
    this.#isNew = true
    const leftover = this.#infos[0]
    if (leftover === undefined) {
      this.#createFirst()
      return
    }
    this.#folder!.remove(leftover.name, (error) => {
      if (error !== null) {
        return this.#failIo('A prepared log segment cannot be deleted', this.#logPath, error)
      }
      this.#createFirst()
    })
  }

  #createFirst(): void {
    const folder = this.#folder!
    const folderId = new Uint8Array(FOLDER_ID_BYTES)
    this.#env.random.fill(folderId)
    const header: SegmentHeader = {
      number: 1,
      folderId,
      fileBytes: this.#options.segmentBytes,
      firstSequence: 1,
      chain: saltOf(folderId),
      zxidBefore: NO_ZXID,
      createdMs: this.#env.clock.wallMs(),
      control: NO_CONTROL_STATE,
    }
    const failed = (error: IoError): void =>
      this.#failIo('The log cannot be created', this.#logPath, error)
    folder.create(preparedName(1), header.fileBytes, (error, file) => {
      if (error !== null) return failed(error)
      const failedLater = (later: IoError): void => file!.close(() => failed(later))
      file!.writeDurably(0, [encodeSegmentHeader(header)], (writeError) => {
        if (writeError !== null) return failedLater(writeError)
        folder.rename(preparedName(1), segmentName(1), (renameError) => {
          if (renameError !== null) return failedLater(renameError)
          this.#scan = scanOfNew(folder, file!, header)
          this.#rebuild()
        })
      })
    })
  }

  /* ---------------------------------------------------------------- log and rows */

  #scanLog(segments: readonly LogFileInfo[]): void {
    scanLog(this.#folder!, segments, (error, scan) => {
      if (error !== null) return this.#fail(error)
      this.#scan = scan
      this.#openRows((rows, problem) => {
        if (rows === null) return this.#withoutRows(problem!)
        this.#readMeta(rows)
      })
    })
  }

  #readMeta(rows: Rows): void {
    const { segments, control, position, cuts } = this.#scan!
    const first = segments[0]!.header
    const begin = zxidBefore(cuts, first)
    readMeta(rows, first.folderId, control, position.lastZxid, (outcome) => {
      if (outcome.kind === 'ahead') {
        const checkpoint = `the checkpoint at ${formatHex(outcome.zxid)}`
        const end = formatHex(position.lastZxid)
        this.#failGap(`The log ends at zxid ${end}, before ${checkpoint}: its end is missing`)
      } else if (outcome.kind !== 'found') this.#rowsUnusable(outcome)
      else if (begin > outcome.mark.summary.zxid) {
        const checkpoint = `the checkpoint at ${formatHex(outcome.mark.summary.zxid)}`
        this.#failGap(
          `The log begins after zxid ${formatHex(begin)}, ${checkpoint} is older: its beginning is missing`,
        )
      } else this.#loadRows(rows, outcome.mark)
    })
  }

  #loadRows(rows: Rows, mark: CheckpointMark): void {
    const beganMs = this.#env.clock.monotonicMs()
    loadRows(rows, mark, this.#machine, (loaded) => {
      if (loaded.kind !== 'loaded') return this.#rowsUnusable(loaded)
      this.#rowsZxid = mark.summary.zxid
      this.#rowsLoaded = loaded.rows
      this.#env.metrics.observe('startup_snap_load_time', this.#sinceMs(beganMs))
      this.#replay(mark.summary.zxid)
    })
  }

  /** Log and rows do not meet. */
  #failGap(what: string): void {
    this.#fail(
      new StorageError(
        'LOG_DAMAGED',
        what,
        this.#logPath,
        'Put the missing segments back, or restore log and checkpoint together from a backup',
      ),
    )
  }

  #rowsUnusable(outcome: Exclude<RowsOutcome, { kind: 'loaded' }>): void {
    if (outcome.kind === 'failed') {
      this.#failIo('The checkpoint cannot be read', this.#rowsPath, outcome.error)
      return
    }
    const reason = outcome.kind === 'none' ? 'it holds no complete state' : outcome.reason
    const rows = this.#rows!
    this.#rows = null
    rows.close(() => this.#withoutRows(reason))
  }

  /** The log is the authority: if all of it is there, the rows are made anew; otherwise they cannot be. */
  #withoutRows(reason: string): void {
    const { segments, cuts } = this.#scan!
    const { header } = segments[0]!
    const wasNeeded = this.#scan!.control.done !== null
    if (header.number !== 1 || lastInstall(cuts) !== null) {
      this.#fail(
        new StorageError(
          'CHECKPOINT_LOST',
          `The checkpoint cannot be used: ${reason}; and the log reaches back only to zxid ` +
            formatHex(zxidBefore(cuts, header)),
          this.#rowsPath,
          'Put a backup of the data folder back. A member of an ensemble is made whole by starting it with an ' +
            'empty data folder while a quorum of the others runs',
        ),
      )
      return
    }
    if (wasNeeded) {
      this.#env.logger.warn('the checkpoint cannot be used and is rebuilt from the log', {
        path: this.#rowsPath,
        reason,
      })
    }
    this.#rebuild()
  }

  #rebuild(): void {
    const { rows } = this.#env
    const failed = (error: IoError): void =>
      this.#failIo('The checkpoint cannot be created', this.#rowsPath, error)
    rows.destroy(this.#rowsPath, (error) => {
      if (error !== null) return failed(error)
      rows.open(this.#rowsPath, { createIfMissing: true }, (openError, opened) => {
        if (openError !== null) return failed(openError)
        this.#rows = opened
        this.#machine.reset()
        this.#replay(NO_ZXID)
      })
    })
  }

  #replay(from: Zxid): void {
    if (this.#options.replay === 'checkpoint') {
      this.#collectTail(from)
      return
    }
    const sink = {
      onEntry: (zxid: Zxid, bytes: Uint8Array, start: number, end: number): void => {
        this.#machine.replay(zxid, bytes, start, end)
        this.#replayed++
      },
    }
    const scan = this.#scan!
    const beganMs = this.#env.clock.monotonicMs()
    replayLog(scan, firstSegmentAfter(scan, from), from, sink, (error) => {
      if (error !== null) return this.#fail(error)
      this.#env.metrics.observe('startup_txns_load_time', this.#sinceMs(beganMs))
      this.#entriesAfterRows = this.#replayed
      this.#makeWritable()
    })
  }

  /** The entries after `checkpoint` wait for a leader; those before it spare learners a snapshot. */
  #collectTail(checkpoint: Zxid): void {
    const scan = this.#scan!
    const { segments, cuts } = scan
    const { tailEntries, tailBytes } = this.#options
    const install = lastInstall(cuts)
    // One segment more than is needed, as a checkpoint may lie at the very beginning of the last.
    let first = firstSegmentAfter(scan, checkpoint)
    const isWhole = install !== null && segments[first]!.header.number === install.segment
    if (first > 0 && !isWhole && tailEntries > 0) first--
    const base = zxidBefore(cuts, segments[first]!.header)
    const collector = new TailCollector(base, checkpoint, tailEntries, tailBytes)
    const beganMs = this.#env.clock.monotonicMs()
    replayLog(scan, first, base, collector, (error) => {
      if (error !== null) return this.#fail(error)
      this.#env.metrics.observe('startup_txns_load_time', this.#sinceMs(beganMs))
      this.#tail = collector.result()
      this.#entriesAfterRows = collector.afterCheckpoint
      this.#makeWritable()
    })
  }

  /* ---------------------------------------------------------------- the end */

  /** Every read is done. */
  #makeWritable(): void {
    const { logger } = this.#env
    const { reserveBytes } = this.#options
    const done = (error: StorageError | null, infos: readonly LogFileInfo[]): void => {
      this.#infos = infos
      if (error === null) this.#finish()
      else this.#fail(error)
    }
    // Nobody else has written to what was made just now.
    if (this.#isNew) this.#finish()
    else new LogCleaner(this.#folder!, this.#scan!, logger, this.#infos, reserveBytes, done).start()
  }

  #finish(): void {
    const scan = this.#scan!
    const { position, tornEnd } = scan
    const older = scan.segments.slice(0, -1).map(({ file }) => file)
    closeAll(older, () =>
      this.#done(null, {
        folder: this.#folder!,
        scan,
        rows: this.#rows!,
        rowsPath: this.#rowsPath,
        rowsZxid: this.#rowsZxid,
        hasReserve: this.#infos.some(({ name }) => name === RESERVE_NAME),
        tail: this.#tail,
        entriesAfterRows: this.#entriesAfterRows,
        report: {
          isNew: this.#isNew,
          wasCleanStop: scan.lastKind === GroupKind.stopped,
          checkpointZxid: this.#rowsZxid,
          rowsLoaded: this.#rowsLoaded,
          entriesReplayed: this.#replayed,
          tornBytes: tornEnd - position.offset,
          lastLogged: position.lastZxid,
        },
      }),
    )
  }

  #sinceMs(beganMs: number): number {
    return this.#env.clock.monotonicMs() - beganMs
  }

  #failIo(what: string, where: string, error: IoError): void {
    this.#fail(describeIoError(what, where, error))
  }

  /** Gives everything back that was opened. */
  #fail(error: StorageError): void {
    const files = this.#scan?.segments.map(({ file }) => file) ?? []
    closeAll(files, () => {
      const closeFolder = (): void => {
        if (this.#folder === null) this.#done(error, null)
        else this.#folder.close(() => this.#done(error, null))
      }
      if (this.#rows === null) closeFolder()
      else this.#rows.close(closeFolder)
    })
  }
}

/** The log of a new server. */
function scanOfNew(folder: LogFolder, file: LogFile, header: SegmentHeader): LogScan {
  const position = {
    offset: SECTOR_BYTES,
    sequence: header.firstSequence,
    chain: header.chain,
    lastZxid: NO_ZXID,
  }
  return {
    folder,
    segments: [{ file, header }],
    position,
    tornEnd: SECTOR_BYTES,
    lastKind: null,
    control: NO_CONTROL_STATE,
    samples: [[position]],
    cuts: [],
  }
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
