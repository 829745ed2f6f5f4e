import {
  type OutputBuffer,
  toByteString,
  utf8ToByteString,
  writeAuthPacket,
} from '../wire/index.ts'
import type { Call } from './call.ts'
import { InvalidArgumentError } from './errors.ts'

/** Who the client is: sent on every connection. */
export interface Credentials {
  readonly scheme: string
  /** For `digest`: `user:password`. */
  readonly credentials: string | Uint8Array
}

/** One identity of the client: given to every connection. */
export interface Identity {
  readonly credentials: Credentials
  /** The call of `addAuth` that waits for the server's verdict. */
  call: Call | null
}

/** @throws InvalidArgumentError for what cannot be sent, e.g. a password that is not set */
export function checkCredentials(op: string, { scheme, credentials }: Credentials): void {
  const isText = typeof credentials === 'string' || credentials instanceof Uint8Array
  if (typeof scheme === 'string' && scheme !== '' && isText) return
  // Not what they are: that may be a secret.
  const problem = isText
    ? `scheme ${String(scheme)} is no name`
    : `the credentials of scheme ${String(scheme)} are neither a string nor a Uint8Array`
  throw new InvalidArgumentError('INVALID_ARGUMENT', `${op}: ${problem}`, { op })
}

export function writeIdentity(out: OutputBuffer, { scheme, credentials }: Credentials): void {
  const auth =
    typeof credentials === 'string' ? utf8ToByteString(credentials) : toByteString(credentials)
  writeAuthPacket(out, { type: 0, scheme, auth })
}
