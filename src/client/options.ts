import { type Credentials, checkCredentials } from './credentials.ts'
import { InvalidArgumentError } from './errors.ts'
import type { SaslMechanism } from './sasl.ts'

export interface ClientOptions {
  /** Asked for; the server answers with what it allows (by default 2 to 20 of its ticks). */
  readonly sessionTimeoutMs?: number
  /** How long `connect` may take in all before it fails. */
  readonly connectTimeoutMs?: number
  /** How long one server may take to accept and to answer the handshake. */
  readonly attemptTimeoutMs?: number
  /** Limit of every call that names none of its own; waiting for a connection counts. */
  readonly requestTimeoutMs?: number
  /** How long `close` waits for the server to end the session. */
  readonly closeTimeoutMs?: number
  /** Requests sent and not answered yet; more wait in the client. */
  readonly inFlightMax?: number
  /** Calls that wait; one more fails with `TOO_MANY_REQUESTS`. */
  readonly queuedCallsMax?: number
  /** After all servers failed: the longest pause before the next round. */
  readonly retryDelayMsMax?: number
  /** Longest request, bytes. A server drops a connection that sends more than its `jute.maxbuffer`. */
  readonly requestBytesMax?: number
  /** Longest reply, bytes. */
  readonly replyBytesMax?: number
  /** Events of one watch that nobody has read; after more, a `gap` takes their place. */
  readonly watchEventsMax?: number
  /** A server without a quorum may serve reads (`readonlymode.enabled` there). */
  readonly canBeReadOnly?: boolean
  /** False: the client closes when its session is lost. True: it goes on with a new session. */
  readonly renewSession?: boolean
  /** The local end of the session lies this part of its timeout before the server's: for clocks that drift. */
  readonly driftMargin?: number
  readonly auth?: readonly Credentials[]
  /** Proves who the client is before anything else is said, on every connection. */
  readonly sasl?: SaslMechanism | null
}

export type Settings = Required<ClientOptions>

export const DEFAULTS: Settings = {
  sessionTimeoutMs: 15_000,
  connectTimeoutMs: 15_000,
  attemptTimeoutMs: 4000,
  requestTimeoutMs: 30_000,
  closeTimeoutMs: 3000,
  inFlightMax: 256,
  queuedCallsMax: 10_000,
  retryDelayMsMax: 5000,
  requestBytesMax: 0xf_ffff,
  replyBytesMax: 64 * 1024 * 1024,
  watchEventsMax: 1000,
  canBeReadOnly: false,
  renewSession: true,
  driftMargin: 0.1,
  auth: [],
  sasl: null,
}

/** @throws InvalidArgumentError naming the option. */
export function settle(options: ClientOptions): Settings {
  const known = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Settings>
  const settings: Settings = { ...DEFAULTS, ...known }
  for (const [name, value] of Object.entries(settings)) {
    if (!(name in DEFAULTS)) throw bad(name, 'is no option of connect')
    if (typeof value !== typeof DEFAULTS[name as keyof Settings]) {
      throw bad(name, `is ${String(value)}`)
    }
    if (typeof value !== 'number' || name === 'driftMargin') continue
    if (!Number.isSafeInteger(value) || value < 1 || value > 0x7fff_ffff) {
      throw bad(name, `is ${value}, not a whole number from 1 to 2147483647`)
    }
  }
  if (settings.sasl !== null && typeof settings.sasl.begin !== 'function') {
    throw bad('sasl', 'is no mechanism')
  }
  if (!Array.isArray(settings.auth)) throw bad('auth', 'is no list')
  for (const credentials of settings.auth) checkCredentials('connect', credentials)
  if (!(settings.driftMargin >= 0 && settings.driftMargin < 1)) {
    throw bad('driftMargin', `is ${settings.driftMargin}, not in 0 to 1`)
  }
  return settings
}

function bad(name: string, problem: string): InvalidArgumentError {
  return new InvalidArgumentError('INVALID_ARGUMENT', `option ${name} ${problem}`, {
    op: 'connect',
  })
}
