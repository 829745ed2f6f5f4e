/** What a server sent, decoded into comparable records. */
import { Decoder, ShortMessage } from './jute.ts'

/** A decoded value. How a leaf is compared follows from its field name (see normalise.ts). */
export type Value = string | number | bigint | boolean | null | readonly Value[] | Fields
export interface Fields {
  readonly [name: string]: Value
}

export type Message =
  | { readonly kind: 'connected'; readonly line: number; readonly fields: Fields }
  | {
      readonly kind: 'reply'
      readonly line: number
      readonly op: string
      readonly fields: Fields
    }
  | { readonly kind: 'event'; readonly fields: Fields }
  | { readonly kind: 'text'; readonly line: number; readonly fields: Fields }
  | { readonly kind: 'undecodable'; readonly fields: Fields }
  | { readonly kind: 'closed' }

export function decodeConnectResponse(payload: Buffer): Fields {
  return complete(payload, (from) => {
    const fields: Record<string, Value> = {
      protocolVersion: from.int(),
      timeOut: from.int(),
      sessionId: from.long(),
      passwd: from.bytes()?.toString('hex') ?? null,
    }
    if (from.remaining > 0) fields['readOnly'] = from.bool()
    return fields
  })
}

/** A reply or event frame without its length. `opOf` tells which request an xid answers. */
export function decodeEvent(payload: Buffer): Fields {
  return complete(payload, (from) => ({
    xid: from.int(),
    zxid: from.long(),
    err: from.int(),
    type: from.int(),
    state: from.int(),
    path: from.text(),
  }))
}

export function decodeReply(payload: Buffer, op: string): Fields {
  return complete(payload, (from) => {
    const header = { xid: from.int(), zxid: from.long(), err: from.int() }
    const decode = from.remaining > 0 ? BODIES.get(op) : undefined
    return decode === undefined ? header : { ...header, ...decode(from) }
  })
}

/** The xid of a frame, or undefined when it is shorter than a reply header. */
export function xidOf(payload: Buffer): number | undefined {
  return payload.length < 16 ? undefined : payload.readInt32BE(0)
}

function complete(payload: Buffer, decode: (from: Decoder) => Fields): Fields {
  const from = new Decoder(payload)
  try {
    const fields = decode(from)
    return from.remaining === 0 ? fields : { ...fields, trailing: from.rest().toString('hex') }
  } catch (error) {
    if (!(error instanceof ShortMessage)) throw error
    return { undecodable: error.message, hex: payload.toString('hex') }
  }
}

const stat = (from: Decoder): Fields => ({
  czxid: from.long(),
  mzxid: from.long(),
  ctime: from.long(),
  mtime: from.long(),
  version: from.int(),
  cversion: from.int(),
  aversion: from.int(),
  ephemeralOwner: from.long(),
  dataLength: from.int(),
  numChildren: from.int(),
  pzxid: from.long(),
})
const acl = (from: Decoder): Fields => ({
  perms: from.int(),
  scheme: from.text(),
  id: from.text(),
})
const path = (from: Decoder): Fields => ({ path: from.text() })
const pathAndStat = (from: Decoder): Fields => ({ path: from.text(), stat: stat(from) })
const statOnly = (from: Decoder): Fields => ({ stat: stat(from) })
const dataAndStat = (from: Decoder): Fields => ({ data: from.text(), stat: stat(from) })
const names = (from: Decoder): Fields => ({ children: from.list(() => from.text()) })
const results = (from: Decoder): Fields => {
  const list: Value[] = []
  for (;;) {
    const header = { type: from.int(), done: from.bool(), err: from.int() }
    if (header.done) return { results: list, terminator: header }
    list.push({ ...header, ...(MULTI_RESULTS.get(header.type)?.(from) ?? {}) })
  }
}

const MULTI_RESULTS: ReadonlyMap<number, (from: Decoder) => Fields> = new Map([
  [-1, (from: Decoder) => ({ error: from.int() })],
  [1, path],
  [15, pathAndStat],
  [5, statOnly],
  [4, dataAndStat],
  [8, names],
])

const BODIES: ReadonlyMap<string, (from: Decoder) => Fields> = new Map([
  ['create', path],
  ['create2', pathAndStat],
  ['createContainer', pathAndStat],
  ['createTTL', pathAndStat],
  ['exists', statOnly],
  ['set', statOnly],
  ['setACL', statOnly],
  ['get', dataAndStat],
  ['reconfig', dataAndStat],
  ['getACL', (from: Decoder) => ({ acl: from.list(() => acl(from)), stat: stat(from) })],
  ['children', names],
  ['children2', (from: Decoder) => ({ ...names(from), stat: stat(from) })],
  ['sync', path],
  ['multi', results],
  ['multiRead', results],
  ['sasl', (from: Decoder) => ({ token: from.text() })],
  ['ephemerals', (from: Decoder) => ({ ephemerals: from.list(() => from.text()) })],
  ['allChildren', (from: Decoder) => ({ totalNumber: from.int() })],
  ['addWatch', (from: Decoder) => ({ error: from.int() })],
  [
    'whoAmI',
    (from: Decoder) => ({
      clientInfo: from.list(() => ({ authScheme: from.text(), user: from.text() })),
    }),
  ],
])
