/**
 * Makes the records of one run comparable with those of another: session ids get the name of the connection that made
 * them, times become their relation to a zxid, unordered lists are sorted. Zxids stay; compare.ts relates them.
 */
import type { Fields, Message, Value } from './messages.ts'

export class Normaliser {
  private readonly sessions = new Map<bigint, string>()
  private readonly timeOfZxid = new Map<bigint, bigint>()
  private readonly startMs = BigInt(Date.now())
  private previousSession: bigint | undefined

  /** Names the session of a successful connect response; later values show the name. */
  nameSession(id: bigint, name: string): void {
    if (!this.sessions.has(id)) this.sessions.set(id, name)
  }

  message(message: Message): Message {
    if (message.kind === 'closed') return message
    if (message.kind === 'connected' || message.fields['sessionId'] !== undefined) {
      return { ...message, fields: this.connected(message.fields) }
    }
    return { ...message, fields: this.fields(message.fields) }
  }

  private connected(fields: Fields): Fields {
    const id = fields['sessionId']
    if (typeof id !== 'bigint' || id === 0n) return fields
    const step = this.previousSession === undefined ? 'first' : id - this.previousSession
    if (this.previousSession === undefined || id > this.previousSession) this.previousSession = id
    const passwd =
      fields['passwd'] === sessionPassword(id) ? 'derived from the id' : fields['passwd']!
    return {
      ...fields,
      sessionId: this.session(id),
      idStep: typeof step === 'bigint' && step < 0n ? 'reattached' : step,
      serverByte: id >> 56n,
      passwd,
    }
  }

  private fields(fields: Fields): Fields {
    const result: Record<string, Value> = {}
    for (const [name, value] of Object.entries(fields))
      result[name] = this.value(name, value, fields)
    return result
  }

  private value(name: string, value: Value, around: Fields): Value {
    if (name === 'ephemeralOwner') return this.session(value as bigint)
    if (name === 'ctime') return this.time(value as bigint, around['czxid'] as bigint)
    if (name === 'mtime') return this.time(value as bigint, around['mzxid'] as bigint)
    if (name === 'acl') return sortedAcl((value as readonly Fields[] | null) ?? null)
    if (Array.isArray(value)) {
      const items = value.map((item: Value) => this.value('', item, around))
      return UNORDERED.has(name) ? items.sort(byText) : items
    }
    if (value !== null && typeof value === 'object') return this.fields(value as Fields)
    return value
  }

  private session(id: bigint): string {
    if (id === 0n) return 'none'
    return this.sessions.get(id) ?? `unknown 0x${BigInt.asUintN(64, id).toString(16)}`
  }

  /** Every time in a Stat is that of a transaction; two Stats that name one transaction must give it the same time. */
  private time(time: bigint, zxid: bigint): string {
    if (time === 0n) return 'zero'
    const known = this.timeOfZxid.get(zxid)
    if (known === undefined) {
      this.timeOfZxid.set(zxid, time)
      const now = BigInt(Date.now())
      return time < this.startMs - 1000n || time > now + 1000n
        ? `off the clock by ${time - now}`
        : 'its time'
    }
    return known === time ? 'its time' : `${time - known} ms from what the same zxid had before`
  }
}

const UNORDERED = new Set(['children', 'ephemerals', 'clientInfo'])

function byText(a: Value, b: Value): number {
  const left = show(a)
  const right = show(b)
  return left < right ? -1 : left > right ? 1 : 0
}

/** A value as text, for sorting and for messages. */
export function show(value: Value | undefined): string {
  return JSON.stringify(value ?? null, (_key, item: unknown) =>
    typeof item === 'bigint' ? `${item}` : item,
  )
}

/** `auth` expands to the connection's ids in no fixed order: runs of entries with equal permissions are sorted. */
function sortedAcl(acl: readonly Fields[] | null): Value {
  if (acl === null) return null
  const result: Fields[] = []
  let run: Fields[] = []
  for (const entry of acl) {
    if (run.length > 0 && run[0]!['perms'] !== entry['perms']) {
      result.push(...run.sort(byText))
      run = []
    }
    run.push(entry)
  }
  return [...result, ...run.sort(byText)]
}

/** What every Apache server derives from the id: `java.util.Random(id ^ 0xB3415C00).nextBytes(16)`. */
function sessionPassword(id: bigint): string {
  const mask = (1n << 48n) - 1n
  let state = (id ^ 0xb3415c00n ^ 0x5deece66dn) & mask
  const password = Buffer.alloc(16)
  for (let at = 0; at < 16; at += 4) {
    state = (state * 0x5deece66dn + 0xbn) & mask
    password.writeInt32LE(Number(BigInt.asIntN(32, state >> 16n)), at)
  }
  return password.toString('hex')
}
