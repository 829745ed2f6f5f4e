import type { ConnectOptions, TlsOptions } from '../client-node/index.ts'
import { PropertiesError, type Property, parseProperties } from '../config/index.ts'

/** Reads a file as bytes. @throws Error of the operating system */
export type ReadBytes = (name: string) => Uint8Array

/** What a client configuration of Apache ZooKeeper comes to. */
export interface ClientConfiguration {
  readonly options: Pick<
    ConnectOptions,
    'replyBytesMax' | 'requestBytesMax' | 'requestTimeoutMs' | 'tls'
  >
  /** Keys that change nothing here. */
  readonly unused: readonly string[]
}

/** A configuration that cannot be followed. The message names the key. */
export class ClientConfigurationError extends Error {
  override readonly name: string = 'ClientConfigurationError'
}

const SECURE = 'zookeeper.client.secure'
const REQUEST_TIMEOUT = 'zookeeper.request.timeout'
const BUFFER = 'jute.maxbuffer'
const SSL = 'zookeeper.ssl.'

/** Below {@link SSL}; both the old and the dotted spelling of stores are known. */
const STORES = ['keyStore', 'trustStore'] as const
const STORE_PARTS = ['location', 'password', 'passwordPath', 'type'] as const
const HOSTNAME = 'hostnameVerification'

/** Those that would weaken the protection if they were passed over. */
const SSL_REFUSED = /^zookeeper\.ssl\./
/** Which implementation Java takes; there is one here. */
const SSL_MEANINGLESS: ReadonlySet<string> = new Set([
  `${SSL}sslProvider`,
  `${SSL}handshakeDetectionTimeoutMillis`,
  `${SSL}closeHandshakeTimeoutMillis`,
])

/**
 * Reads what `-client-configuration` names: the properties of Apache's Java client.
 * @throws ClientConfigurationError
 */
export function readClientConfiguration(text: string, readBytes: ReadBytes): ClientConfiguration {
  const properties = new Map(parsed(text).map(({ key, value }) => [key, value]))
  const take = (key: string): string | undefined => {
    const value = properties.get(key)
    properties.delete(key)
    return value
  }
  const isSecure = readBoolean(SECURE, take(SECURE))
  const requestTimeoutMs = readNumber(REQUEST_TIMEOUT, take(REQUEST_TIMEOUT))
  const bytesMax = readNumber(BUFFER, take(BUFFER))
  const tls = readTls(take, readBytes)
  const refused = [...properties.keys()].find(
    (key) => SSL_REFUSED.test(key) && !SSL_MEANINGLESS.has(key),
  )
  if (refused !== undefined) {
    throw new ClientConfigurationError(`${refused} is not supported; take it out of the file`)
  }
  return {
    options: {
      ...(isSecure ? { tls } : {}),
      // 0 is upstream's "none".
      ...(requestTimeoutMs === null || requestTimeoutMs === 0 ? {} : { requestTimeoutMs }),
      ...(bytesMax === null ? {} : { requestBytesMax: bytesMax, replyBytesMax: bytesMax }),
    },
    unused: [...properties.keys()].sort(),
  }
}

type Take = (key: string) => string | undefined

function readTls(take: Take, readBytes: ReadBytes): TlsOptions {
  const verifies = take(SSL + HOSTNAME)
  const [keys, trusted] = STORES.map((store) => readStore(store, take, readBytes))
  return {
    ...(keys === undefined ? {} : keyOptions(keys)),
    ...(trusted === undefined ? {} : { ca: trustOptions(trusted) }),
    ...(verifies === undefined || readBoolean(SSL + HOSTNAME, verifies)
      ? {}
      : { checkServerIdentity: () => undefined }),
  }
}

interface Store {
  readonly key: string
  readonly bytes: Uint8Array
  readonly isPem: boolean
  readonly password: string | undefined
}

function readStore(name: string, take: Take, readBytes: ReadBytes): Store | undefined {
  const key = `${SSL}${name}.location`
  const [location, password, passwordPath, type] = STORE_PARTS.map((part) =>
    take(`${SSL}${name}.${part}`),
  )
  if (location === undefined) return undefined
  const kind = (type ?? location.slice(location.lastIndexOf('.') + 1)).toUpperCase()
  const isPem = kind === 'PEM'
  if (!isPem && !['PKCS12', 'P12', 'PFX'].includes(kind)) {
    throw new ClientConfigurationError(
      `${key}: a store of type ${kind} cannot be read; convert it to PEM or PKCS12 with keytool`,
    )
  }
  const secret =
    passwordPath === undefined
      ? password
      : Buffer.from(read(`${SSL}${name}.passwordPath`, passwordPath, readBytes))
          .toString('utf8')
          .trim()
  return { key, bytes: read(key, location, readBytes), isPem, password: secret }
}

function keyOptions({ bytes, isPem, password }: Store): TlsOptions {
  const buffer = Buffer.from(bytes)
  const passphrase = password === undefined ? {} : { passphrase: password }
  return isPem ? { key: buffer, cert: buffer, ...passphrase } : { pfx: buffer, ...passphrase }
}

function trustOptions({ key, bytes, isPem }: Store): Buffer {
  if (isPem) return Buffer.from(bytes)
  throw new ClientConfigurationError(
    `${key}: certificates to trust must be PEM: keytool -exportcert -rfc writes them`,
  )
}

function read(key: string, name: string, readBytes: ReadBytes): Uint8Array {
  try {
    return readBytes(name)
  } catch (error) {
    throw new ClientConfigurationError(`${key}: ${(error as Error).message}`)
  }
}

function readBoolean(key: string, value: string | undefined): boolean {
  if (value === undefined || /^false$/i.test(value)) return false
  if (/^true$/i.test(value)) return true
  throw new ClientConfigurationError(`${key} must be true or false, not ${JSON.stringify(value)}`)
}

function readNumber(key: string, value: string | undefined): number | null {
  if (value === undefined) return null
  const number = Number(value)
  if (/^(0x[\da-f]+|\d+)$/i.test(value) && number <= 0x7fff_ffff) return number
  throw new ClientConfigurationError(
    `${key} must be a whole number up to 2147483647, not ${JSON.stringify(value)}`,
  )
}

function parsed(text: string): Property[] {
  try {
    return parseProperties(text)
  } catch (error) {
    if (!(error instanceof PropertiesError)) throw error
    throw new ClientConfigurationError(`line ${error.line}: ${error.message}`)
  }
}
