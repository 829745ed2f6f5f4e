const MIB = 1024 * 1024

export interface StorageOptions {
  /** The checkpoint lives in `<dataDir>/checkpoint`. */
  readonly dataDir: string
  /** The log lives in `<dataLogDir>/log`. */
  readonly dataLogDir: string
  /**
   * How much of the log is applied at the start. `all` is for a standalone server, where what is in the log has
   * happened. In an ensemble the entries behind the checkpoint may be taken back by the next leader: `checkpoint`
   * leaves the machine at the checkpoint and hands them out (`Storage.takeTail`).
   */
  readonly replay: 'all' | 'checkpoint'
  /** With `checkpoint`: up to so many entries before the checkpoint are handed out too … */
  readonly tailEntries: number
  /** … and so many bytes of them. */
  readonly tailBytes: number
  /** Size of a segment file, preallocated. A larger entry gets a segment of its own. */
  readonly segmentBytes: number
  /** Most bytes of entries in one write; a single larger entry is written alone. */
  readonly groupBytesMax: number
  /** Space kept for purging, stopping and restarting on a full disk. 0 keeps none. */
  readonly reserveBytes: number
  /** Writes are refused while the file system has less than this. */
  readonly freeBytesMin: number
  /** A checkpoint is due after this many log bytes … */
  readonly checkpointLogBytes: number
  /** … or this many entries. */
  readonly checkpointEntries: number
  /** Segments kept that the checkpoint no longer needs, to bring followers up to date by entries. */
  readonly segmentsKept: number
  /** After this long without a write, the last one is proven by a watermark behind it. */
  readonly watermarkDelayMs: number
  /** How often a full disk is looked at again. */
  readonly fullRetryMs: number
  /** Main-thread time a checkpoint may take per turn. */
  readonly checkpointSliceMs: number
  /**
   * Time between two slices. At full speed the threads of LevelDB and of the garbage collector kept the main thread from
   * a processor for 75 of 110 ms (two cores, a million rows).
   */
  readonly checkpointPauseMs: number
  /** Rows per batch while the first checkpoint of a store is written. */
  readonly firstCheckpointBatchRows: number
  /** A durable write that takes longer is logged (`fsync.warningthresholdms`). */
  readonly slowWriteMs: number
}

/** The options of a server with its data in `dataDir`. */
export function defaultStorageOptions(dataDir: string): StorageOptions {
  return {
    dataDir,
    dataLogDir: dataDir,
    replay: 'all',
    tailEntries: 10_000,
    tailBytes: 16 * MIB,
    segmentBytes: 64 * MIB,
    groupBytesMax: 4 * MIB,
    reserveBytes: 16 * MIB,
    freeBytesMin: 32 * MIB,
    checkpointLogBytes: 256 * MIB,
    checkpointEntries: 1_000_000,
    segmentsKept: 1,
    watermarkDelayMs: 50,
    fullRetryMs: 1000,
    checkpointSliceMs: 2,
    checkpointPauseMs: 6,
    firstCheckpointBatchRows: 20_000,
    slowWriteMs: 1000,
  }
}
