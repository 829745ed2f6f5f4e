import {
  type OutputBuffer,
  toByteString,
  utf8ToByteString,
  writeAuthPacket,
} from '../wire/index.ts'
import type { Call } from './call.ts'
import type { Credentials } from './options.ts'

/** One identity of the client: given to every connection. */
export interface Identity {
  readonly credentials: Credentials
  /** The call of `addAuth` that waits for the server's verdict. */
  call: Call | null
}

export function writeIdentity(out: OutputBuffer, { scheme, credentials }: Credentials): void {
  const auth =
    typeof credentials === 'string' ? utf8ToByteString(credentials) : toByteString(credentials)
  writeAuthPacket(out, { type: 0, scheme, auth })
}
