import type { Address } from '../env/index.ts'

/** Proves to a server who the client is, in as many messages as it takes. Begun anew on every connection. */
export interface SaslMechanism {
  /** As the registry of mechanisms has it, e.g. `DIGEST-MD5`; for messages. */
  readonly name: string
  begin(server: Address): SaslExchange
}

/** One conversation with one server. */
export interface SaslExchange {
  /**
   * Throwing, or rejecting, gives this connection up; another one is tried.
   * @param challenge what the server has said, no bytes where it has null; null before its first word
   */
  answer(challenge: Uint8Array | null): Promise<SaslAnswer> | SaslAnswer
}

export interface SaslAnswer {
  /** Goes to the server, also when it has no bytes. Null: there is nothing more to say, which needs `isDone`. */
  readonly token: Uint8Array | null
  /** The server has proved itself as far as the mechanism wants it. With a `token`, its receipt is waited for. */
  readonly isDone: boolean
}
