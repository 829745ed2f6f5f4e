export {
  byteStringToUtf8,
  fromByteString,
  toByteString,
  utf8ToByteString,
} from './byte-buffer.ts'
export * from './client-replies.ts'
export * from './client-requests.ts'
export * from './codes.ts'
export {
  decodeConnectRequest,
  decodeConnectResponse,
  writeConnectRequest,
  writeConnectResponse,
  writeInvalidSessionResponse,
} from './connect.ts'
export { DecodeError } from './decode-error.ts'
export { FrameReader, type FrameSink } from './frame-reader.ts'
export { InputReader } from './input-reader.ts'
export { OutputBuffer } from './output-buffer.ts'
export * from './records.ts'
export * from './replies.ts'
export * from './requests.ts'
export { SharedLongs } from './shared-longs.ts'
export { Adler32 } from './snapshot-checksum.ts'
export {
  type SnapshotHandler,
  SnapshotReader,
  type SnapshotReaderOptions,
} from './snapshot-reader.ts'
export * from './snapshot-records.ts'
export {
  decodeSnapshotStatement,
  encodeSnapshotStatement,
  type SnapshotStatement,
} from './snapshot-statement.ts'
export * from './snapshot-writer.ts'
export * from './structures.ts'
export {
  DIGEST_VERSION,
  decodeTxnEntry,
  encodeTxnEntry,
  readTxnHeader,
  txnEntryZxid,
  writeTxn,
  writeTxnHeader,
} from './txns.ts'
export { decodeWriteRequest } from './write-requests.ts'
