import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { SaslAnswer, SaslExchange, SaslMechanism } from '../client/index.ts'

export interface DigestMd5Options {
  readonly username: string
  readonly password: string
  /** Of the server's two words for itself, the protocol and the name: `zookeeper` and `zk-sasl-md5` unless given. */
  readonly service?: string
  readonly serverName?: string
}

const NO_BYTES = new Uint8Array(0)

/**
 * SASL DIGEST-MD5 (RFC 2831) as ZooKeeper's servers with a JAAS configuration offer it. The password does not cross
 * the network, and the server has to prove that it knows it, too. MD5 is weak: use it inside TLS.
 */
export function digestMd5(options: DigestMd5Options): SaslMechanism {
  return { name: 'DIGEST-MD5', begin: () => new DigestMd5Exchange(options) }
}

class DigestMd5Exchange implements SaslExchange {
  readonly #options: DigestMd5Options
  /** What the server has to answer; null before this side has. */
  #proofOfServer: string | null = null

  constructor(options: DigestMd5Options) {
    this.#options = options
  }

  answer(challenge: Uint8Array | null): SaslAnswer {
    // The server begins, but only when it is spoken to.
    if (challenge === null) return { token: NO_BYTES, isDone: false }
    const fields = parseFields(Buffer.from(challenge).toString('utf8'))
    if (this.#proofOfServer === null) return { token: this.#respond(fields), isDone: false }
    const proof = Buffer.from(fields.get('rspauth') ?? '')
    const expected = Buffer.from(this.#proofOfServer)
    if (proof.length !== expected.length || !timingSafeEqual(proof, expected)) {
      throw new Error('the server does not know the password')
    }
    return { token: null, isDone: true }
  }

  #respond(challenge: ReadonlyMap<string, string>): Uint8Array {
    const { username, password, service = 'zookeeper', serverName = 'zk-sasl-md5' } = this.#options
    const nonce = challenge.get('nonce')
    if (nonce === undefined) throw new Error('the server offers no DIGEST-MD5')
    const algorithm = challenge.get('algorithm')
    if (algorithm !== 'md5-sess') throw new Error(`algorithm ${algorithm} is not md5-sess`)
    const qualities = (challenge.get('qop') ?? 'auth').split(',').map((word) => word.trim())
    if (!qualities.includes('auth')) throw new Error(`qop ${qualities.join()} has no auth`)
    const isUtf8 = challenge.get('charset') === 'utf-8'
    const charset = isUtf8 ? 'utf8' : 'latin1'
    const realm = challenge.get('realm') ?? ''
    const cnonce = randomBytes(24).toString('base64')
    const uri = `${service}/${serverName}`
    const secret = md5(
      Buffer.concat([narrow(`${username}:`), narrow(`${realm}:`), narrow(password)]),
    )
    const a1 = md5(Buffer.concat([secret, Buffer.from(`:${nonce}:${cnonce}`, charset)]))
    const digest = (a2: string): string =>
      hex(`${a1.toString('hex')}:${nonce}:00000001:${cnonce}:auth:${hex(a2)}`)
    this.#proofOfServer = digest(`:${uri}`)
    const fields = [
      ...(isUtf8 ? ['charset=utf-8'] : []),
      `username=${quote(username)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      'nc=00000001',
      `cnonce=${quote(cnonce)}`,
      `digest-uri=${quote(uri)}`,
      `response=${digest(`AUTHENTICATE:${uri}`)}`,
      'qop=auth',
    ]
    return Buffer.from(fields.join(','), charset)
  }
}

/** `name="value",name=value`; of a name given several times the first one. */
function parseFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [, name, quoted, plain] of text.matchAll(
    /([\w-]+)=(?:"((?:\\.|[^"\\])*)"|([^,\s]*))/g,
  )) {
    const value = quoted === undefined ? plain! : quoted.replace(/\\(.)/g, '$1')
    if (!fields.has(name!)) fields.set(name!, value)
  }
  return fields
}

/** Text that fits into ISO 8859-1 counts as such even when all else is UTF-8. */
function narrow(text: string): Buffer {
  return Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1')
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest()
}

function hex(text: string): string {
  return createHash('md5').update(text).digest('hex')
}
