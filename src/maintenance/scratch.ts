import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { MaintenanceError, messageOf } from './maintenance-error.ts'

/** A folder for copies, gone when `work` ends, and when the process exits before that (a signal has to exit it). */
export async function withScratch<T>(
  parent: string | null,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await makeScratch(parent ?? tmpdir())
  const discard = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  process.once('exit', discard)
  try {
    return await work(folder)
  } finally {
    process.removeListener('exit', discard)
    discard()
  }
}

async function makeScratch(parent: string): Promise<string> {
  try {
    return await mkdtemp(path.join(parent, 'zabkeeper-'))
  } catch (error) {
    throw new MaintenanceError(
      `no folder for temporary copies can be made in ${parent}: ${messageOf(error)}; ` +
        'set TMPDIR to one with room for a copy of the checkpoint',
    )
  }
}
