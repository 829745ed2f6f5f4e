import type { ByteString } from '../wire/index.ts'

/** What a power cut keeps or loses as a whole. */
export const SIM_SECTOR_BYTES = 512

/** The content of one file. A test may change the bytes: that is bit rot. */
export class SimFile {
  bytes: Uint8Array

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes)
  }
}

/** A folder as it is on the disk. */
export class SimFolder {
  readonly files: Map<string, SimFile> = new Map()
  isLocked = false

  get usedBytes(): number {
    let used = 0
    for (const file of this.files.values()) used += file.bytes.length
    return used
  }
}

/** The rows of one store as they are on the disk. A test may change a value: that is bit rot. */
export class RowsStore {
  readonly rows: Map<ByteString, Uint8Array> = new Map()
  isOpen = false
  /** The store itself cannot be read any more. */
  isCorrupt = false

  get usedBytes(): number {
    let used = 0
    for (const [key, value] of this.rows) used += key.length + value.length
    return used
  }
}

/** Everything that a process may find on a simulated disk. */
export interface DiskContents {
  readonly folders: Map<string, SimFolder>
  readonly stores: Map<string, RowsStore>
  /** Names that `entries` shows besides, by folder: what other programs left there. */
  readonly strangers: Map<string, readonly string[]>
  /** Folders and stores that may not be used. */
  readonly forbidden: Set<string>
  readonly freeBytes: number
}
