import type { IoError } from '../env/index.ts'
import { type ReceivedSnapshot, SnapshotSink } from '../server/index.ts'
import { DecodeError } from '../wire/index.ts'
import type { DataTreeOptions } from '../znodes/index.ts'
import type { SourceFile } from './source-file.ts'

const PIECE_BYTES = 1024 * 1024
/** A value in a file may be as long as the file: it is not believed before it is there. */
const VALUE_BYTES_MAX = 0x7fff_ffff

/** Reads a file `snapshot.<zxid>` into a tree. A `DecodeError` says that it is damaged. */
export function loadSnapshotFile(
  file: SourceFile,
  tree: DataTreeOptions,
  onProgress: (bytesRead: number) => void,
  done: (error: DecodeError | IoError | null, snapshot: ReceivedSnapshot | null) => void,
): void {
  const bytesMax = Number.POSITIVE_INFINITY
  const options = { ...tree, form: 'file', valueBytesMax: VALUE_BYTES_MAX, bytesMax } as const
  const sink = new SnapshotSink(options, null)
  const readFrom = (offset: number): void => {
    file.read(offset, PIECE_BYTES, (error, bytes) => {
      if (error !== null) return done(error, null)
      const isLast = bytes!.length < PIECE_BYTES
      const fault = take(sink, bytes!, isLast)
      if (fault !== null) return done(fault, null)
      onProgress(offset + bytes!.length)
      if (sink.isDone) done(null, sink.result())
      else readFrom(offset + PIECE_BYTES)
    })
  }
  readFrom(0)
}

function take(sink: SnapshotSink, bytes: Uint8Array, isLast: boolean): DecodeError | null {
  try {
    // A later version may have more behind the end.
    sink.push(bytes, 0, bytes.length)
    if (isLast && !sink.isDone) sink.end()
    return null
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}
