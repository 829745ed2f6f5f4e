/** Script actions → request bytes. */
import { type Bytes, Encoder, type List } from './jute.ts'
import { type Args, type Inner, type Line, parseBytes, ScriptError } from './script.ts'

/** Op names of the script language and their opcodes. */
export const OPCODES: ReadonlyMap<string, number> = new Map([
  ['create', 1],
  ['delete', 2],
  ['exists', 3],
  ['get', 4],
  ['set', 5],
  ['getACL', 6],
  ['setACL', 7],
  ['children', 8],
  ['sync', 9],
  ['ping', 11],
  ['children2', 12],
  ['check', 13],
  ['multi', 14],
  ['create2', 15],
  ['reconfig', 16],
  ['checkWatches', 17],
  ['removeWatches', 18],
  ['createContainer', 19],
  ['deleteContainer', 20],
  ['createTTL', 21],
  ['multiRead', 22],
  ['auth', 100],
  ['setWatches', 101],
  ['sasl', 102],
  ['ephemerals', 103],
  ['allChildren', 104],
  ['setWatches2', 105],
  ['addWatch', 106],
  ['whoAmI', 107],
  ['createSession', -10],
  ['closeSession', -11],
])

/** What an action needs to know of the run: `last` is the highest zxid this connection's client has seen. */
export interface EncodeContext {
  readonly lastZxid: bigint
}

/** A whole request frame. `cut=N` drops the last N body bytes, `extra=` appends some; the length follows. */
export function encodeRequest(line: Line, xid: number, context: EncodeContext): Buffer {
  const opcode = line.op === 'raw' ? line.args.int('op', 0) : OPCODES.get(line.op)
  if (opcode === undefined) throw new ScriptError(`unknown action ${line.op}`)
  const body = new Encoder()
  if (line.op === 'multi' || line.op === 'multiRead') encodeMulti(body, line, context)
  else encodeBody(body, line.op, line.args, context)
  const whole = body.take()
  const cut = whole.subarray(0, whole.length - line.args.int('cut', 0))
  const extra = line.args.bytes('extra', null) ?? Buffer.alloc(0)
  return frame(new Encoder().int(xid).int(opcode).raw(cut).raw(extra).take())
}

export function frame(payload: Buffer): Buffer {
  return new Encoder().bytes(payload).take()
}

export interface ConnectFields {
  readonly sessionId: bigint
  readonly passwd: Bytes
  readonly lastZxid: bigint
}

/** ConnectRequest frame from `protocol= zxid= timeout= ro=absent|true|false extra=` and the given session. */
export function encodeConnect(args: Args, session: ConnectFields): Buffer {
  const payload = new Encoder()
    .int(args.int('protocol', 0))
    .long(zxidValue(args.raw('zxid') ?? '0', session.lastZxid))
    .int(args.int('timeout', 30000))
    .long(session.sessionId)
    .bytes(session.passwd)
  const readOnly = args.raw('ro') ?? 'false'
  if (readOnly !== 'absent') payload.bool(readOnly === 'true')
  const bytes = payload.raw(args.bytes('extra', null) ?? Buffer.alloc(0)).take()
  return frame(bytes.subarray(0, bytes.length - args.int('cut', 0)))
}

function encodeMulti(out: Encoder, line: Line, context: EncodeContext): void {
  for (const inner of line.inner) {
    const opcode = innerOpcode(inner)
    out.int(opcode).bool(false).int(-1)
    encodeBody(out, inner.op, inner.args, context)
  }
  const terminator = line.args.raw('terminator') ?? '-1/-1'
  if (terminator === 'none') return
  const [type, err] = terminator.split('/').map(Number)
  out.int(type!).bool(true).int(err!)
}

function innerOpcode(inner: Inner): number {
  const opcode = inner.op === 'raw' ? inner.args.int('op', 0) : OPCODES.get(inner.op)
  if (opcode === undefined) throw new ScriptError(`unknown sub-operation ${inner.op}`)
  return opcode
}

function encodeBody(out: Encoder, op: string, args: Args, context: EncodeContext): void {
  switch (op) {
    case 'create':
    case 'create2':
    case 'createContainer':
    case 'createTTL': {
      const flags = op === 'createContainer' ? 4 : op === 'createTTL' ? 5 : 0
      out.bytes(args.wordBytes(0)).bytes(args.wordBytes(1, Buffer.alloc(0)))
      encodeAcl(out, args)
      out.int(args.int('flags', flags))
      if (op === 'createTTL') out.long(BigInt(args.raw('ttl') ?? '60000000'))
      return
    }
    case 'delete':
    case 'check':
      out.bytes(args.wordBytes(0)).int(args.int('v', -1))
      return
    case 'exists':
    case 'get':
    case 'children':
    case 'children2':
      out.bytes(args.wordBytes(0)).bool(args.has('watch'))
      return
    case 'set':
      out.bytes(args.wordBytes(0)).bytes(args.wordBytes(1, Buffer.alloc(0)))
      out.int(args.int('v', -1))
      return
    case 'setACL':
      out.bytes(args.wordBytes(0))
      encodeAcl(out, args)
      out.int(args.int('v', -1))
      return
    case 'reconfig':
      out.bytes(args.bytes('joining', null)).bytes(args.bytes('leaving', null))
      out.bytes(args.bytes('members', null)).long(BigInt(args.raw('config') ?? '-1'))
      return
    case 'checkWatches':
    case 'removeWatches':
      out.bytes(args.wordBytes(0)).int(args.int('type', 3))
      return
    case 'addWatch':
      out.bytes(args.wordBytes(0)).int(args.int('mode', 0))
      return
    case 'auth':
      out.int(args.int('type', 0)).bytes(args.wordBytes(0)).bytes(args.wordBytes(1))
      return
    case 'setWatches':
    case 'setWatches2': {
      out.long(zxidValue(args.raw('rel') ?? 'last', context.lastZxid))
      const lists = ['data', 'exist', 'child', 'persistent', 'recursive']
      for (const name of op === 'setWatches' ? lists.slice(0, 3) : lists) {
        out.list(args.list(name, parseBytes), (path) => out.bytes(path))
      }
      return
    }
    case 'createSession':
      out.int(args.int('timeout', 30000))
      return
    case 'raw':
      out.raw(args.bytes('body', null) ?? Buffer.alloc(0))
      return
    case 'getACL':
    case 'sync':
    case 'deleteContainer':
    case 'ephemerals':
    case 'allChildren':
    case 'sasl':
      out.bytes(args.wordBytes(0))
      return
    case 'ping':
    case 'closeSession':
    case 'whoAmI':
      return
    default:
      throw new ScriptError(`unknown action ${op}`)
  }
}

interface AclEntry {
  readonly perms: number
  readonly scheme: Bytes
  readonly id: Bytes
}

/** `acl=open` (the default) or `perms:scheme:id,…` where `~` is a null string. */
function encodeAcl(out: Encoder, args: Args): void {
  const open: AclEntry = { perms: 31, scheme: Buffer.from('world'), id: Buffer.from('anyone') }
  const text = args.raw('acl')
  const list: List<AclEntry> =
    text === undefined || text === 'open' ? [open] : args.list('acl', parseAclEntry)
  out.list(list, (entry) => out.int(entry.perms).bytes(entry.scheme).bytes(entry.id))
}

function parseAclEntry(text: string): AclEntry {
  const match = /^(-?\d+):([^:]*):(.*)$/.exec(text)
  if (match === null) throw new ScriptError(`${text} is not perms:scheme:id`)
  return { perms: Number(match[1]), scheme: parseBytes(match[2]!), id: parseBytes(match[3]!) }
}

/** `last`, `last+5`, `last-2` (relative to what the connection saw) or a number. */
function zxidValue(text: string, last: bigint): bigint {
  const match = /^last([+-]\d+)?$/.exec(text)
  return match === null ? BigInt(text) : last + BigInt(match[1] ?? '0')
}
