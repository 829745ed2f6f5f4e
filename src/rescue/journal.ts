import path from 'node:path'
import { formatHex, makeZxid, type Zxid } from '../base/index.ts'
import type { RescueFiles } from './files.ts'
import { RescueError } from './rescue-error.ts'
import type { Survivor } from './survivors.ts'

/** Written before anything is changed, so that a rescue that was cut short goes on as it began. */
export interface Journal {
  readonly server: number
  /** The one that the server's state begins in. */
  readonly epoch: number
  /** What the log ended with before. */
  readonly lastZxid: Zxid
  /** Servers of the new list. */
  readonly members: readonly number[]
  readonly backup: string
  /** ISO 8601. */
  readonly begun: string
}

export const JOURNAL_NAME = 'force-quorum.json'

export function readJournal(files: RescueFiles, dataDir: string): Journal | null {
  const file = path.join(dataDir, JOURNAL_NAME)
  const text = files.readText(file)
  if (text === null) return null
  const value = parse(text)
  if (value === null) {
    throw new RescueError(
      'folder',
      `${file} is not what a rescue has written. Move it elsewhere, then try again`,
    )
  }
  return value
}

export function writeJournal(files: RescueFiles, dataDir: string, journal: Journal): void {
  const { lastZxid, ...rest } = journal
  const text = `${JSON.stringify({ ...rest, lastZxid: formatHex(lastZxid) }, null, 2)}\n`
  files.write(path.join(dataDir, JOURNAL_NAME), text)
}

/**
 * How far the rescue that a journal tells of has come. `begun`: the log is what it was. `raised`: it begins in the new
 * epoch, and nobody has written since. `past`: the server has gone on; another rescue would be a new one.
 */
export type Progress = 'begun' | 'past' | 'raised'

export function progressOf(journal: Journal, own: Survivor): Progress {
  const { acceptedEpoch, currentEpoch, lastZxid } = own
  if (currentEpoch === journal.epoch && lastZxid === makeZxid(journal.epoch, 0)) return 'raised'
  const isUnchanged = lastZxid === journal.lastZxid && currentEpoch < journal.epoch
  return isUnchanged && acceptedEpoch <= journal.epoch ? 'begun' : 'past'
}

function parse(text: string): Journal | null {
  try {
    const { server, epoch, lastZxid, members, backup, begun } = JSON.parse(text)
    const isRight =
      Number.isSafeInteger(server) &&
      Number.isSafeInteger(epoch) &&
      Array.isArray(members) &&
      members.every(Number.isSafeInteger) &&
      typeof backup === 'string' &&
      typeof begun === 'string'
    return isRight
      ? { server, epoch, lastZxid: BigInt(lastZxid) as Zxid, members, backup, begun }
      : null
  } catch {
    return null
  }
}
