export { BYTES, type Codec, DECIMAL, INT32, INT64, TEXT } from './codecs.ts'
export { type Change, type ValueOptions, ValueZnode, type Versioned } from './value-znode.ts'
