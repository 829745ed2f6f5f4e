import { assert } from '../base/index.ts'
import type { Done, DoneVoid, LogFile, LogFileInfo, LogFilePort, LogFolder } from '../env/index.ts'
import { IoError } from '../env/index.ts'
import {
  beginUnsynced,
  type DiskContents,
  SIM_SECTOR_BYTES,
  SimFile,
  SimFolder,
} from './disk-contents.ts'
import type { OperationKind, OperationRunner } from './disk-operation.ts'
import type { SimRandom } from './random.ts'

/** How the operations of this file are built: effect, partial effect, report. */
interface Effects<T> {
  /** Returns what to report; throws {@link IoError} when the disk refuses. */
  apply(): T
  /** What a crash may leave; nothing unless given. */
  partly?(random: SimRandom): void
  /** What the end of the process may leave in the machine's memory; as `partly` unless given. */
  unsynced?(random: SimRandom): void
}

function run<T>(
  user: OperationRunner,
  kind: OperationKind,
  name: string,
  effects: Effects<T>,
  done: (error: IoError | null, value: T | null) => void,
): void {
  user.run({
    kind,
    name,
    complete: () => {
      let value: T
      try {
        value = effects.apply()
      } catch (error) {
        if (!(error instanceof IoError)) throw error
        done(error, null)
        return
      }
      done(null, value)
    },
    crash: (random) => effects.partly?.(random),
    keepUnsynced: (random) => (effects.unsynced ?? effects.partly)?.(random),
    fail: (error) => done(error, null),
  })
}

/** An effect that a crash leaves either done or not; one that the disk refuses it leaves not done. */
function allOrNothing<T>(apply: () => T): Effects<T> {
  return {
    apply,
    partly: (random) => {
      if (random.oneIn(2)) return
      try {
        apply()
      } catch (error) {
        if (!(error instanceof IoError)) throw error
      }
    },
  }
}

/** The log files of a {@link SimDisk} as one process sees them. */
export class SimLogFiles implements LogFilePort {
  readonly #disk: DiskContents
  readonly #user: OperationRunner

  constructor(disk: DiskContents, user: OperationRunner) {
    this.#disk = disk
    this.#user = user
  }

  openFolder(path: string, done: Done<LogFolder>): void {
    const apply = (): LogFolder => {
      if (this.#disk.forbidden.has(path)) throw new IoError('EACCES', `${path} may not be used`)
      let folder = this.#disk.folders.get(path)
      if (folder === undefined) {
        folder = new SimFolder()
        this.#disk.folders.set(path, folder)
      }
      if (folder.isLocked) throw new IoError('ELOCKED', `${path} is in use`)
      folder.isLocked = true
      return new OpenFolder(path, folder, this.#disk, this.#user)
    }
    run(this.#user, 'openFolder', path, { apply }, done)
  }

  entries(path: string, done: Done<readonly string[]>): void {
    const apply = (): readonly string[] => {
      if (this.#disk.forbidden.has(path)) throw new IoError('EACCES', `${path} may not be read`)
      const names = [...(this.#disk.strangers.get(path) ?? [])]
      const folder = this.#disk.folders.get(path)
      if (folder !== undefined) names.push(...folder.files.keys())
      for (const other of [...this.#disk.folders.keys(), ...this.#disk.stores.keys()]) {
        const rest = other.startsWith(`${path}/`) ? other.slice(path.length + 1) : ''
        if (rest !== '' && !rest.includes('/')) names.push(`${rest}/`)
      }
      return names.sort()
    }
    run(this.#user, 'entries', path, { apply }, done)
  }
}

class OpenFolder implements LogFolder {
  readonly path: string
  readonly #folder: SimFolder
  readonly #disk: DiskContents
  readonly #user: OperationRunner

  constructor(path: string, folder: SimFolder, disk: DiskContents, user: OperationRunner) {
    this.path = path
    this.#folder = folder
    this.#disk = disk
    this.#user = user
  }

  list(done: Done<readonly LogFileInfo[]>): void {
    const apply = (): readonly LogFileInfo[] =>
      [...this.#folder.files]
        .map(([name, file]) => ({ name, sizeBytes: file.bytes.length }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    run(this.#user, 'list', this.path, { apply }, done)
  }

  create(name: string, sizeBytes: number, done: Done<LogFile>): void {
    const apply = (): LogFile => {
      if (this.#folder.files.has(name)) throw new IoError('EEXIST', `${name} exists`)
      if (this.#disk.freeBytes < sizeBytes) throw new IoError('ENOSPC', `no room for ${name}`)
      const file = new SimFile(sizeBytes)
      this.#folder.files.set(name, file)
      return new OpenFile(name, file, this.#user)
    }
    run(this.#user, 'create', this.#pathOf(name), allOrNothing(apply), done)
  }

  open(name: string, done: Done<LogFile>): void {
    const apply = (): LogFile => new OpenFile(name, this.#find(name), this.#user)
    run(this.#user, 'open', this.#pathOf(name), { apply }, done)
  }

  remove(name: string, done: DoneVoid): void {
    const apply = (): void => {
      this.#find(name)
      this.#folder.files.delete(name)
    }
    run(this.#user, 'remove', this.#pathOf(name), allOrNothing(apply), done)
  }

  rename(from: string, to: string, done: DoneVoid): void {
    const apply = (): void => {
      const file = this.#find(from)
      this.#folder.files.delete(from)
      this.#folder.files.set(to, file)
    }
    run(this.#user, 'rename', this.#pathOf(from), allOrNothing(apply), done)
  }

  freeBytes(done: Done<number>): void {
    run(this.#user, 'freeBytes', this.path, { apply: () => this.#disk.freeBytes }, done)
  }

  close(done: DoneVoid): void {
    const apply = (): void => {
      this.#folder.isLocked = false
    }
    run(this.#user, 'close', this.path, { apply }, done)
  }

  #find(name: string): SimFile {
    const file = this.#folder.files.get(name)
    if (file === undefined) throw new IoError('ENOENT', `${this.#pathOf(name)} is missing`)
    return file
  }

  #pathOf(name: string): string {
    return `${this.path}/${name}`
  }
}

class OpenFile implements LogFile {
  readonly name: string
  readonly #file: SimFile
  readonly #user: OperationRunner
  #isWriting = false
  #isBroken = false

  constructor(name: string, file: SimFile, user: OperationRunner) {
    this.name = name
    this.#file = file
    this.#user = user
  }

  read(offset: number, length: number, done: Done<Uint8Array>): void {
    const apply = (): Uint8Array => this.#file.bytes.slice(offset, offset + length)
    run(this.#user, 'read', this.name, { apply }, done)
  }

  writeDurably(offset: number, chunks: readonly Uint8Array[], done: DoneVoid): void {
    const effects: Effects<void> = {
      // As with O_DSYNC: what else the machine's memory has of the file stays there.
      apply: () => {
        const isMixed = this.#file.onDisk !== undefined
        this.#put(offset, chunks, isMixed ? this.#synced : null)
      },
      partly: (random) => this.#put(offset, chunks, sectorsThatMadeIt(random)),
      unsynced: (random) => {
        if (random.oneIn(2)) this.#put(offset, chunks, this.#unsynced)
      },
    }
    this.#write(effects, done)
  }

  sync(done: DoneVoid): void {
    const apply = (): void => {
      this.#file.onDisk = undefined
    }
    this.#write({ apply }, done)
  }

  #write(effects: Effects<void>, done: DoneVoid): void {
    assert(!this.#isWriting, 'one write of a file at a time')
    assert(!this.#isBroken, 'no write of a file after one that failed')
    this.#isWriting = true
    run(this.#user, 'write', this.name, effects, (error) => {
      this.#isWriting = false
      if (error !== null) this.#isBroken = true
      done(error)
    })
  }

  close(done: DoneVoid): void {
    run(this.#user, 'close', this.name, { apply: () => {} }, done)
  }

  readonly #unsynced = (sector: number): boolean => {
    beginUnsynced(this.#file, sector)
    return true
  }

  readonly #synced = (sector: number): boolean => {
    this.#file.onDisk?.delete(sector)
    return true
  }

  /** Copies the bytes of the sectors chosen, or all; the file grows when they lie behind its end. */
  #put(
    offset: number,
    chunks: readonly Uint8Array[],
    isChosen: ((sector: number) => boolean) | null,
  ): void {
    let at = offset
    for (const chunk of chunks) {
      this.#reach(at + chunk.length)
      if (isChosen === null) {
        this.#file.bytes.set(chunk, at)
        at += chunk.length
        continue
      }
      for (let start = 0; start < chunk.length; ) {
        const sector = Math.floor((at + start) / SIM_SECTOR_BYTES)
        const end = Math.min(chunk.length, (sector + 1) * SIM_SECTOR_BYTES - at)
        if (isChosen(sector)) this.#file.bytes.set(chunk.subarray(start, end), at + start)
        start = end
      }
      at += chunk.length
    }
  }

  #reach(sizeBytes: number): void {
    if (sizeBytes <= this.#file.bytes.length) return
    const bytes = new Uint8Array(sizeBytes)
    bytes.set(this.#file.bytes)
    this.#file.bytes = bytes
  }
}

/** None, all, the first few or any of the sectors of a write, the same answer for the same sector. */
function sectorsThatMadeIt(random: SimRandom): (sector: number) => boolean {
  const chosen = new Map<number, boolean>()
  const mode = random.below(4)
  let isCut = false
  const draw = (): boolean => {
    if (mode === 0) return false
    if (mode === 1) return true
    if (mode === 2) {
      isCut ||= random.oneIn(4)
      return !isCut
    }
    return random.oneIn(2)
  }
  return (sector) => {
    let answer = chosen.get(sector)
    if (answer === undefined) {
      answer = draw()
      chosen.set(sector, answer)
    }
    return answer
  }
}
