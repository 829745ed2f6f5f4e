/** Bytes from outside do not form the expected record. The only error a decoder throws. */
export class DecodeError extends Error {
  override readonly name: string = 'DecodeError'
}
