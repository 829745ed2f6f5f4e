import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A certificate with its key, both as PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
}

interface Wanted {
  /** Common name. */
  readonly name: string
  /** Addresses and names of a server. */
  readonly hosts?: { readonly dns?: readonly string[]; readonly ip?: readonly string[] }
}

const DAY_MS = 24 * 60 * 60 * 1000
const ECDSA_WITH_SHA256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]
const COMMON_NAME = [0x55, 0x04, 0x03]
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13]
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11]

let serial = 0

/** A certificate authority for one test. */
export class Authority {
  readonly certificate: string
  readonly #name: string
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })

  constructor(name: string) {
    this.#name = name
    this.certificate = this.#sign({ name }, this.#keys.publicKey, true)
  }

  issue(wanted: Wanted): Identity {
    const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    return {
      certificate: this.#sign(wanted, keys.publicKey, false),
      key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }

  /** X.509 v3 in DER (RFC 5280), as PEM. */
  #sign({ name, hosts }: Wanted, publicKey: KeyObject, isAuthority: boolean): string {
    serial += 1
    const extensions = [
      extension(BASIC_CONSTRAINTS, sequence(...(isAuthority ? [tlv(0x01, [0xff])] : []))),
    ]
    if (hosts !== undefined) extensions.push(extension(SUBJECT_ALT_NAME, altNames(hosts)))
    const algorithm = sequence(tlv(0x06, ECDSA_WITH_SHA256))
    const body = sequence(
      tlv(0xa0, tlv(0x02, [2])),
      tlv(0x02, [serial]),
      algorithm,
      distinguishedName(this.#name),
      sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
      distinguishedName(name),
      publicKey.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensions)),
    )
    const signature = sign('sha256', body, this.#keys.privateKey)
    const der = sequence(body, algorithm, tlv(0x03, [0], signature))
    const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
  }
}

function altNames({ dns = [], ip = [] }: NonNullable<Wanted['hosts']>): Buffer {
  return sequence(
    ...dns.map((name) => tlv(0x82, Buffer.from(name))),
    ...ip.map((address) => tlv(0x87, address.split('.').map(Number))),
  )
}

function distinguishedName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(tlv(0x06, COMMON_NAME), tlv(0x0c, Buffer.from(name)))))
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return sequence(tlv(0x06, id), tlv(0x04, value))
}

/** UTCTime. */
function time(unixMs: number): Buffer {
  const digits = new Date(unixMs).toISOString().replace(/\D/g, '').slice(2, 14)
  return tlv(0x17, Buffer.from(`${digits}Z`))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, ...parts)
}

function tlv(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const content = Buffer.concat(parts.map((part) => Uint8Array.from(part)))
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
