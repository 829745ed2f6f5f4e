import type { ByteString } from '../wire/index.ts'
import type { SimRandom } from './random.ts'

/** What a power cut keeps or loses as a whole. */
export const SIM_SECTOR_BYTES = 512

/** The content of one file. A test may change the bytes: that is bit rot. */
export class SimFile {
  bytes: Uint8Array
  /** Sectors that differ on the disk, with what is there: their new content is only in the machine's memory. */
  onDisk?: Map<number, Uint8Array> | undefined

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes)
  }
}

/** The bytes of a sector are about to change, but only in the machine's memory. */
export function beginUnsynced(file: SimFile, sector: number): void {
  file.onDisk ??= new Map()
  if (file.onDisk.has(sector)) return
  const start = sector * SIM_SECTOR_BYTES
  file.onDisk.set(sector, file.bytes.slice(start, start + SIM_SECTOR_BYTES))
}

/** The power goes: any of the sectors that are only in memory may be lost. */
export function loseUnsynced(file: SimFile, random: SimRandom): void {
  if (file.onDisk === undefined) return
  for (const [sector, bytes] of file.onDisk) {
    if (random.oneIn(2)) file.bytes.set(bytes, sector * SIM_SECTOR_BYTES)
  }
  file.onDisk = undefined
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

  copy(): SimFolder {
    const copy = new SimFolder()
    for (const [name, file] of this.files) {
      const copied = new SimFile(0)
      copied.bytes = file.bytes.slice()
      copy.files.set(name, copied)
    }
    return copy
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

  copy(): RowsStore {
    const copy = new RowsStore()
    // Values are replaced, never changed, so they can be shared.
    for (const [key, value] of this.rows) copy.rows.set(key, value)
    copy.isCorrupt = this.isCorrupt
    return copy
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
