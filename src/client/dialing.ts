import type { Address } from '../env/index.ts'
import type { Effect } from './effects.ts'
import { ConnectError } from './errors.ts'
import { addressText, type ServerList, type SrvRecord } from './server-list.ts'

/** Where the client tries to connect, one attempt after the other, and why it could not. */
export class Dialing {
  readonly #servers: ServerList
  readonly #effects: Effect[]
  /** Why the last attempt at each server failed. */
  readonly #failures = new Map<string, string>()
  #attempt = 0
  #address: Address = { host: '', port: 0 }
  #probes = 0

  constructor(servers: ServerList, effects: Effect[]) {
    this.#servers = servers
    this.#effects = effects
  }

  /** Numbers the connections: what belongs to an earlier one is not listened to any more. */
  get attempt(): number {
    return this.#attempt
  }

  get address(): Address {
    return this.#address
  }

  /** The server of the present attempt, for messages. */
  get server(): string {
    return addressText(this.#address)
  }

  begin(): void {
    this.#attempt += 1
    const name = this.#servers.nameToLookUp
    if (name === null) this.#open()
    else {
      this.#address = { host: name, port: 0 }
      this.#effects.push({ kind: 'lookUp', attempt: this.#attempt, name })
    }
  }

  lookedUp(records: readonly SrvRecord[]): void {
    this.#servers.replace(records)
    this.#open()
  }

  /** Goes on with the servers that were found before; false when there are none. */
  lookUpFailed(reason: string): boolean {
    this.#effects.push({ kind: 'log', level: 'warn', message: `${this.server}: ${reason}` })
    this.#servers.failed()
    if (this.#servers.length === 0) return false
    this.#open()
    return true
  }

  /** The attempt has ended; returns how long to wait before the next one. */
  failed(reason: string): number {
    this.#failures.set(this.server, reason)
    this.#effects.push({ kind: 'connectionEnd', end: { server: this.server, reason } })
    return this.#servers.delayMs()
  }

  connected(): void {
    this.#failures.clear()
  }

  /** A request was answered. */
  succeeded(): void {
    this.#servers.succeeded()
  }

  /** Nothing of the present attempt counts any more. */
  abandon(): void {
    this.#attempt += 1
  }

  /** Has another server asked whether it takes writes. */
  probe(): void {
    const address = this.#servers.otherThan(this.#address, this.#probes)
    this.#probes += 1
    if (address !== null) this.#effects.push({ kind: 'probe', attempt: this.#attempt, address })
  }

  prefer(address: Address): void {
    this.#servers.prefer(address)
  }

  error(): ConnectError {
    const reasons = [...this.#failures].map(([server, reason]) => `${server}: ${reason}`)
    const why = reasons.length === 0 ? `${this.server} does not answer` : reasons.join('; ')
    const message = `cannot connect: ${why}`
    return new ConnectError('CONNECT_FAILED', message, { op: 'connect', retryable: true })
  }

  #open(): void {
    this.#address = this.#servers.next()
    this.#effects.push({ kind: 'connect', attempt: this.#attempt, address: this.#address })
  }
}
