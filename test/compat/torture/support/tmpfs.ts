import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import path from 'node:path'

/** A file system in memory of a given size, so that it can be filled without harm to anybody. */
export class Tmpfs {
  readonly folder: string
  readonly #ballast: string

  /** Returns null where mounting is not permitted (only root may). */
  static mount(folder: string, bytes: number): Tmpfs | null {
    mkdirSync(folder, { recursive: true })
    const options = ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]
    return spawnSync('mount', options).status === 0 ? new Tmpfs(folder) : null
  }

  private constructor(folder: string) {
    this.folder = folder
    this.#ballast = path.join(folder, 'ballast')
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.folder)
    return bavail * bsize
  }

  /** Takes space until about `leave` bytes are free. */
  fill(leave: number): void {
    const file = openSync(this.#ballast, 'a')
    try {
      for (let rest = this.freeBytes - leave; rest > 0; ) {
        const written = writeSync(file, Buffer.alloc(Math.min(rest, 1 << 20)))
        rest -= written
      }
    } catch (error) {
      // The server may have taken the last of it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true })
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.folder])
  }
}
