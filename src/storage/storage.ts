import { assert, type Zxid } from '../base/index.ts'
import { encodeMark, GroupKind, RecordKind } from './format.ts'
import { encodeEpoch } from './group-queue.ts'
import { LogIndex } from './log-index.ts'
import { LogPurger } from './log-purger.ts'
import { BEING_CUT, LogReader, NOT_ON_DISK, type ReadDone } from './log-reader.ts'
import { LogWriter } from './log-writer.ts'
import type { StorageOptions } from './options.ts'
import { type Recovered, recover } from './recovery.ts'
import { RowsHandle } from './rows-handle.ts'
import { generationOf } from './rows-loader.ts'
import { SegmentSupply } from './segment-supply.ts'
import { StateRows } from './state-rows.ts'
import type { StorageEnvironment } from './storage-environment.ts'
import type { StorageError } from './storage-error.ts'
import type {
  Install,
  LoggedTail,
  RecoveryReport,
  StateMachine,
  StorageHandlers,
  StorageStats,
} from './types.ts'

/**
 * Opens the log and the checkpoint, verifies both and brings `machine` to the state they hold (with
 * `replay: 'checkpoint'` to the state of the checkpoint, see {@link Storage.takeTail}). Exactly one of the
 * arguments of `done` is null. After an error nothing stays open or locked.
 */
export function openStorage(
  env: StorageEnvironment,
  options: StorageOptions,
  machine: StateMachine,
  handlers: StorageHandlers,
  done: (error: StorageError | null, storage: Storage | null) => void,
): void {
  recover(env, options, machine, (error, recovered) => {
    if (error !== null) return done(error, null)
    let isOpening = true
    const storage = new Storage(env, options, machine, recovered!, {
      onDurable: (zxid) => handlers.onDurable(zxid),
      onLogPurged: (base) => handlers.onLogPurged?.(base),
      onSlowWrite: (tookMs) => handlers.onSlowWrite?.(tookMs),
      onFullChange: (isFull) => handlers.onFullChange?.(isFull),
      onFatal: (fatal) => {
        if (!isOpening) return handlers.onFatal(fatal)
        isOpening = false
        storage.close(() => done(fatal, null))
      },
    })
    storage.start(recovered!, () => {
      if (!isOpening) return
      isOpening = false
      done(null, storage)
    })
  })
}

/**
 * The durable side of a server: entries go to the log, the state goes to the checkpoint from time to time.
 * One turn appends what it has and calls {@link Storage.flush} once.
 */
export class Storage {
  /** What the start found. */
  readonly recovery: RecoveryReport
  readonly #options: StorageOptions
  readonly #handlers: StorageHandlers
  readonly #env: StorageEnvironment
  readonly #machine: StateMachine
  readonly #recovered: Recovered
  readonly #supply: SegmentSupply
  readonly #writer: LogWriter
  readonly #purger: LogPurger
  readonly #rows: StateRows
  #isFailed = false
  #isClosed = false
  /** Ends the wait of `close` for a log that cannot go on. */
  #onStalled: (() => void) | null = null
  #tail: LoggedTail | null
  /** Entries and log bytes that the last checkpoint was for; entries found at the start count too. */
  #entriesMark: number
  #bytesMark = 0
  /** So much has been logged that a checkpoint is due as soon as it can hold all of that. */
  #due: { readonly zxid: Zxid; readonly entries: number; readonly bytes: number } | null = null

  constructor(
    env: StorageEnvironment,
    options: StorageOptions,
    machine: StateMachine,
    recovered: Recovered,
    handlers: StorageHandlers,
  ) {
    this.#env = env
    this.#options = options
    this.#machine = machine
    this.#handlers = handlers
    this.#recovered = recovered
    this.#tail = recovered.tail
    this.recovery = recovered.report
    const { folder, scan } = recovered
    const last = scan.segments[scan.segments.length - 1]!
    const onFatal = (error: StorageError): void => this.#fail(error)
    this.#supply = new SegmentSupply(
      env,
      folder,
      options,
      last.header.number + 1,
      recovered.hasReserve,
      {
        onFullChange: (isFull) => this.#fullChanged(isFull),
        onStalled: () => this.#onStalled?.(),
        onFatal,
      },
    )
    const { position, control, samples, cuts } = scan
    const segments = scan.segments.map(({ header }, at) => ({
      number: header.number,
      bytes: header.fileBytes,
      firstSequence: header.firstSequence,
      zxidBefore: header.zxidBefore,
      samples: samples[at]!,
    }))
    const { folderId } = last.header
    const index = new LogIndex(segments, cuts)
    const tail = { folderId, file: last.file, index, position, control }
    this.#writer = new LogWriter(env, folder, options, this.#supply, tail, {
      onDurable: (zxid) => this.#durable(zxid),
      onSlowWrite: (tookMs) => this.#handlers.onSlowWrite?.(tookMs),
      onFatal,
    })
    const onPurge = (base: Zxid): void => this.#handlers.onLogPurged?.(base)
    this.#purger = new LogPurger(folder, index, onPurge, onFatal)
    const { rows, rowsPath, rowsZxid } = recovered
    const handle = new RowsHandle(env.rows, rowsPath, rows, rowsZxid, generationOf(control))
    this.#rows = new StateRows(
      env,
      options,
      folderId,
      machine,
      this.#writer,
      this.#purger,
      handle,
      onFatal,
    )
    this.#entriesMark = -recovered.entriesAfterRows
  }

  /** The last steps of opening. */
  start(recovered: Recovered, done: () => void): void {
    this.#rows.sweep(() =>
      this.#settle(recovered, () => {
        this.#supply.refill()
        // What a snapshot has replaced. What else could go is in the tail that is handed out.
        this.#purger.purge(
          () => false,
          () => {},
        )
        done()
      }),
    )
  }

  #settle(recovered: Recovered, done: () => void): void {
    const { lastKind, control } = recovered.scan
    const intent = control.intent
    const isUnsettled = intent !== null && intent.summary.zxid === recovered.rowsZxid
    if (isUnsettled) {
      // The checkpoint was written before the crash; the log does not say so yet.
      const payload = encodeMark(intent)
      this.#writer.appendControl(RecordKind.checkpointDone, payload, done)
    } else if (lastKind === GroupKind.data) this.#writer.writeMarker(GroupKind.watermark, done)
    else done()
  }

  /** Highest zxid that is durable in the log. */
  get lastLogged(): Zxid {
    return this.#writer.lastDurable
  }

  /** Highest zxid given to {@link Storage.append}. */
  get lastAppended(): Zxid {
    return this.#writer.lastAppended
  }

  /** Zxid before the first entry that is on disk and counts; {@link StorageHandlers.onLogPurged} says when it changes. */
  get diskBase(): Zxid {
    return this.#writer.index.base
  }

  /** Highest epoch promised, as durable in the log. */
  get acceptedEpoch(): number {
    return this.#writer.control.acceptedEpoch
  }

  /** Epoch of the last leader accepted, as durable in the log. */
  get currentEpoch(): number {
    return this.#writer.control.currentEpoch
  }

  /** The disk is nearly full: writes of clients must be refused. Reads and what is already appended go on. */
  get isFull(): boolean {
    return this.#supply.isFull
  }

  get stats(): StorageStats {
    const { segments } = this.#writer.index
    return {
      segments: segments.length,
      logBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      pendingBytes: this.#writer.pendingBytes,
      groupsWritten: this.#writer.groupsWritten,
      entriesWritten: this.#writer.entriesWritten,
      checkpoints: this.#rows.checkpoints,
      checkpointZxid: this.#rows.zxid,
      checkpointRunning: this.#rows.isCheckpointRunning,
      lastCheckpointMs: this.#rows.lastCheckpointMs,
      lastCheckpointAtMs: this.#rows.lastCheckpointAtMs,
      slowWrites: this.#writer.slowWrites,
    }
  }

  /**
   * With `replay: 'checkpoint'`, once: the entries behind the state of the machine, which may be taken back by
   * {@link Storage.truncate}, and some before it. All of it is kept in memory until then.
   */
  takeTail(): LoggedTail {
    const tail = this.#tail
    this.#tail = null
    assert(tail !== null, 'the tail of the log is taken once, and not after a full replay')
    return tail
  }

  /** Copies an entry into the group that is written next. Zxids increase. After a failure it does nothing. */
  append(zxid: Zxid, bytes: Uint8Array, start: number, end: number): void {
    if (this.#isFailed) return
    assert(!this.#isClosed, 'append after close')
    this.#writer.append(zxid, bytes, start, end)
  }

  /** Starts writing what was appended, unless a write is under way: then it follows as soon as that one ends. */
  flush(): void {
    this.#writer.flush()
  }

  /**
   * Calls `done` when everything handed over so far (entries, epochs, truncations, snapshots) survives a power cut.
   * In the order of calls, never inside a call to the storage, never after a failure. It does not start a write.
   */
  whenDurable(done: () => void): void {
    if (!this.#isFailed) this.#writer.whenDurable(done)
  }

  /** Promises not to accept older leaders. `done` is called when the promise is durable. */
  setAcceptedEpoch(epoch: number, done: () => void): void {
    this.#appendEpoch(RecordKind.acceptedEpoch, epoch, done)
  }

  setCurrentEpoch(epoch: number, done: () => void): void {
    this.#appendEpoch(RecordKind.currentEpoch, epoch, done)
  }

  /**
   * Takes back every entry after `zxid`, as a new leader demands. `done` is called when that is durable. The machine
   * still has what was taken back: it gets the state of the log by opening the storage again.
   */
  truncate(zxid: Zxid, done: () => void): void {
    if (this.#isFailed) return
    const { floor } = this.#rows
    assert(zxid <= this.#writer.lastAppended, 'a log is truncated at an entry it has')
    assert(floor === null || zxid >= floor, 'a checkpoint holds committed entries')
    this.#writer.truncate(zxid, done)
    const due = this.#due
    if (due !== null && due.zxid > zxid) this.#due = { ...due, zxid }
  }

  /**
   * Replaces the log and the state by a snapshot with the entries that follow it, and sets the epoch, all at once: after
   * a crash everything before this call is there, or everything in it. Its place among appends and epochs is that of
   * the call. `done` is called when it is durable; then the machine has to be loaded with the same state, before it
   * applies anything else. A checkpoint that is running ends here: from this call until `done` nothing is asked of
   * the machine. If it cannot be written, even for lack of space, that is fatal like every other failed write.
   */
  install(install: Install, done: () => void): void {
    if (this.#isFailed) return
    assert(!this.#isClosed, 'install after close')
    const { zxid, snapshot, entries, currentEpoch, onProgress = () => {} } = install
    const mark = { generation: this.#rows.nextGeneration, summary: snapshot.summary(zxid) }
    const release = this.#writer.appendInstall(mark, entries, currentEpoch, () =>
      this.#installed(done),
    )
    this.#due = null
    this.#rows.install(mark, snapshot, { onProgress, onWritten: release })
  }

  /**
   * Reads the durable entries after `after` up to `upTo` from disk. No holes, nothing that was truncated; what cannot
   * be given like that, or is more than `bytesMax` bytes of transactions, is a problem for `done`, in words. `done` is
   * called later, but not after {@link Storage.close}.
   */
  readEntries(after: Zxid, upTo: Zxid, bytesMax: number, done: ReadDone): void {
    const { clock, timers, logger } = this.#env
    const { index, salt, durableEnd } = this.#writer
    const { cutsMade } = index
    const start = index.isBeingCut ? null : index.find(after)
    if (start === null) {
      const problem = index.isBeingCut ? BEING_CUT : NOT_ON_DISK
      timers.at(clock.monotonicMs(), () => {
        if (!this.#isClosed) done(problem, null)
      })
      return
    }
    const report: ReadDone = (problem, read) => {
      if (this.#isClosed) return
      // Where it began was purged before it was opened; what was asked for may be behind that.
      const isPurged = index.segments[0]!.number > start.segment.number
      if (problem === NOT_ON_DISK && isPurged && index.cutsMade === cutsMade)
        this.readEntries(after, upTo, bytesMax, done)
      else done(problem, read)
    }
    const { folder } = this.#recovered
    const range = { after, upTo, bytesMax }
    new LogReader(folder, logger, salt, index, start, durableEnd, range, report).start()
  }

  /**
   * Starts a checkpoint if enough was logged since the last one, all of that has been applied, and none is running.
   * Cheap to ask.
   */
  checkpointIfDue(): void {
    const { checkpointEntries, checkpointLogBytes } = this.#options
    const { entriesWritten, logBytes, lastDurable } = this.#writer
    if (this.#due === null) {
      const isDue =
        entriesWritten - this.#entriesMark >= checkpointEntries ||
        logBytes - this.#bytesMark >= checkpointLogBytes
      if (isDue) this.#due = { zxid: lastDurable, entries: entriesWritten, bytes: logBytes }
    }
    const due = this.#due
    if (due !== null && due.zxid <= this.#machine.lastApplied && !this.isFull) this.checkpoint()
  }

  /** Starts a checkpoint now, unless one is running or nothing was applied since the last. */
  checkpoint(done: () => void = () => {}): void {
    const { zxid } = this.#rows
    const isNeeded = zxid === null || zxid < this.#machine.lastApplied
    if (this.#isFailed || this.#isClosed || this.#rows.isBusy || !isNeeded) {
      done()
      return
    }
    this.#entriesMark = this.#due?.entries ?? this.#writer.entriesWritten
    this.#bytesMark = this.#due?.bytes ?? this.#writer.logBytes
    this.#due = null
    this.#rows.checkpoint(() => {
      if (this.isFull) this.#supply.refill()
      done()
    })
  }

  /**
   * Writes what was appended, marks a clean stop, and releases the folder. A snapshot that is being installed is
   * abandoned, with all that was handed over after it. After a failure it only releases.
   */
  close(done: () => void): void {
    assert(!this.#isClosed, 'close twice')
    this.#isClosed = true
    this.#rows.stop(() => {
      let isReleased = false
      const release = (): void => {
        if (isReleased) return
        isReleased = true
        this.#supply.close(() =>
          this.#writer.close(() => this.#recovered.folder.close(() => done())),
        )
      }
      // On a full disk what cannot be written was never reported durable either.
      this.#onStalled = release
      this.#writer.dropHeld()
      if (this.#isFailed || this.#writer.isStalled) return release()
      this.#writer.whenIdle(() => this.#writer.writeMarker(GroupKind.stopped, release))
    })
  }

  #appendEpoch(kind: RecordKind, epoch: number, done: () => void): void {
    if (this.#isFailed) return
    this.#writer.appendControl(kind, encodeEpoch(epoch), done)
  }

  #installed(done: () => void): void {
    this.#rows.installed()
    this.#entriesMark = this.#writer.entriesWritten
    this.#bytesMark = this.#writer.logBytes
    done()
    if (this.#isFailed || this.#isClosed) return
    this.#rows.sweep(() => {
      if (this.isFull) this.checkpoint()
    })
  }

  #durable(zxid: Zxid): void {
    if (!this.#isFailed) this.#handlers.onDurable(zxid)
  }

  /** When the disk becomes full, a checkpoint written into the reserve may let old segments go. */
  #fullChanged(isFull: boolean): void {
    this.#handlers.onFullChange?.(isFull)
    if (!isFull) {
      this.#env.logger.info('there is room on the disk again, writes are accepted', {})
      return
    }
    this.#env.logger.error('the disk is nearly full, writes are refused until there is room', {
      path: this.#recovered.folder.path,
      freeBytesMin: this.#options.freeBytesMin,
    })
    this.#supply.releaseReserve(() => this.checkpoint())
  }

  #fail(error: StorageError): void {
    if (this.#isFailed) return
    this.#isFailed = true
    this.#writer.halt()
    this.#purger.halt()
    this.#supply.halt()
    this.#rows.halt()
    this.#onStalled?.()
    this.#handlers.onFatal(error)
  }
}
