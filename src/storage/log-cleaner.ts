import type { LogFile, LogFileInfo, LogFolder, Logger } from '../env/index.ts'
import { parseSegmentName, RESERVE_NAME, SECTOR_BYTES } from './format.ts'
import { describeIoError } from './io-errors.ts'
import type { LogScan } from './log-scan.ts'
import type { StorageError } from './storage-error.ts'

/** `infos` are the files that are left. */
export type LogCleanerDone = (error: StorageError | null, infos: readonly LogFileInfo[]) => void

/** Makes a log that a process has left, and that has been read and verified, fit to be written again. */
export class LogCleaner {
  readonly #folder: LogFolder
  readonly #scan: LogScan
  readonly #logger: Logger
  readonly #reserveBytes: number
  readonly #done: LogCleanerDone
  #infos: readonly LogFileInfo[]

  constructor(
    folder: LogFolder,
    scan: LogScan,
    logger: Logger,
    infos: readonly LogFileInfo[],
    reserveBytes: number,
    done: LogCleanerDone,
  ) {
    this.#folder = folder
    this.#scan = scan
    this.#logger = logger
    this.#infos = infos
    this.#reserveBytes = reserveBytes
    this.#done = done
  }

  /**
   * What was found in the last segment counts from now on, and more is written behind it. But the process that wrote it
   * may have been killed before its last write was on the disk, and with O_DSYNC later writes do not take it along.
   * Segments before it were durable when it began.
   */
  start(): void {
    const { segments } = this.#scan
    const { file } = segments[segments.length - 1]!
    file.sync((error) => {
      if (error === null) this.#wipeTorn(file)
      else this.#done(describeIoError('The log cannot be written', this.#folder.path, error), [])
    })
  }

  /** Zeros the remains of an unfinished write, so that nothing old can come after something new. */
  #wipeTorn(file: LogFile): void {
    const { position, tornEnd } = this.#scan
    if (tornEnd === position.offset) {
      this.#removePrepared()
      return
    }
    const end = Math.ceil(tornEnd / SECTOR_BYTES) * SECTOR_BYTES
    this.#logger.info('the end of the log is an unfinished write, which is cut off', {
      file: `${this.#folder.path}/${file.name}`,
      offset: position.offset,
      bytes: end - position.offset,
    })
    file.writeDurably(position.offset, [new Uint8Array(end - position.offset)], (error) => {
      if (error === null) this.#removePrepared()
      else this.#done(describeIoError('The log cannot be written', this.#folder.path, error), [])
    })
  }

  /** Prepared segments and an incomplete reserve are left over from a crash. */
  #removePrepared(): void {
    const leftover = this.#infos.find(({ name, sizeBytes }) =>
      name === RESERVE_NAME
        ? sizeBytes !== this.#reserveBytes
        : parseSegmentName(name)?.isPrepared === true,
    )
    if (leftover === undefined) {
      this.#done(null, this.#infos)
      return
    }
    this.#infos = this.#infos.filter((info) => info !== leftover)
    this.#folder.remove(leftover.name, (error) => {
      if (error === null) this.#removePrepared()
      else {
        this.#done(
          describeIoError('A leftover file cannot be deleted', this.#folder.path, error),
          [],
        )
      }
    })
  }
}
