export type ApacheFilesErrorCode =
  /** There is no data where it was looked for. */
  | 'MISSING'
  /** The files are not what they were when reading began. */
  | 'CHANGED'
  /** The log ends in something unfinished; the rest can be had without it. */
  | 'TORN'
  /** What was stored is not there any more, and nothing else could replace it. */
  | 'DAMAGED'

/** Why the files of an Apache ZooKeeper cannot be taken over. The message says what is wrong, where, and what to do. */
export class ApacheFilesError extends Error {
  override readonly name: string = 'ApacheFilesError'
  readonly code: ApacheFilesErrorCode
  /** File or folder. */
  readonly where: string

  constructor(code: ApacheFilesErrorCode, what: string, where: string, whatToDo: string) {
    super(`${what} (${where}). ${whatToDo}`)
    this.code = code
    this.where = where
  }
}
