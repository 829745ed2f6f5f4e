import { IoError } from '../env/index.ts'

/**
 * Turns an error of classic-level into an {@link IoError}. LevelDB has only a few kinds of its own and
 * puts the operating system's reason into the text, so the text is read for the codes callers act on.
 */
export function levelError(error: unknown, action: string): IoError {
  const root = rootCause(error)
  const text = root instanceof Error ? root.message : String(root)
  const code = levelCode(root, text)
  return new IoError(code, `${action}: ${text}`, error)
}

function levelCode(root: unknown, text: string): string {
  const kind = root instanceof Error && 'code' in root ? root.code : undefined
  if (kind === 'LEVEL_LOCKED') return 'ELOCKED'
  if (kind === 'LEVEL_CORRUPTION') return 'ECORRUPT'
  for (const [phrase, code] of PHRASES) {
    if (text.includes(phrase)) return code
  }
  return 'EIO'
}

/** What `strerror` says, and LevelDB's own sentences. */
const PHRASES: readonly (readonly [string, string])[] = [
  ['does not exist (create_if_missing is false)', 'ENOENT'],
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['Permission denied', 'EACCES'],
  ['Read-only file system', 'EROFS'],
  ['Too many open files', 'EMFILE'],
  ['Not a directory', 'ENOTDIR'],
  ['No such file or directory', 'ENOENT'],
  // LevelDB's own answer to a read beyond the end of a mapped table: the file was cut.
  ['Invalid argument', 'ECORRUPT'],
  ['Corruption', 'ECORRUPT'],
]

function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error
}
