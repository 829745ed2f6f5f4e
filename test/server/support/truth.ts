import type { SessionId, Zxid } from '../../../src/base/index.ts'
import type { KeeperServer } from '../../../src/server/index.ts'
import { OpCode, type Txn, type TxnHeader } from '../../../src/wire/index.ts'

/** A path has this value from this zxid on; null means there is no such znode. */
export interface Change {
  readonly zxid: Zxid
  readonly value: string | null
}

/**
 * What really happened: every transaction that a server applied, over all its lives. A transaction that was applied once
 * must be the same whenever it is replayed, and must never be missing.
 */
export class Truth {
  last: Zxid = 0n as Zxid
  readonly #txns = new Map<Zxid, string>()
  readonly #changes = new Map<string, Change[]>()
  readonly #closed = new Map<SessionId, Zxid>()

  /** Follows a server from before its start. */
  follow(server: KeeperServer): void {
    const { state } = server
    const apply = state.apply.bind(state)
    state.apply = (header, txn, digest) => {
      this.#note(header, txn)
      return apply(header, txn, digest)
    }
  }

  closedAt(sessionId: SessionId): Zxid | null {
    return this.#closed.get(sessionId) ?? null
  }

  /** The client and its xid that asked for the transaction, `session/xid`. */
  originOf(zxid: Zxid): string | undefined {
    return this.#txns.get(zxid)?.split(' ', 1)[0]
  }

  valueAt(path: string, zxid: Zxid): string | null {
    return this.#changes.get(path)?.findLast((change) => change.zxid <= zxid)?.value ?? null
  }

  firstChangeAfter(path: string, zxid: Zxid): Change | undefined {
    const changes = this.#changes.get(path) ?? []
    const after = changes.findLastIndex((change) => change.zxid <= zxid) + 1
    return changes[after]
  }

  #note(header: TxnHeader, txn: Txn): void {
    const { zxid } = header
    const text = fingerprint(header, txn)
    if (zxid <= this.last) {
      const before = this.#txns.get(zxid)
      if (before !== text) throw new Error(`zxid ${zxid} was ${before} and is now ${text}`)
      return
    }
    if (zxid !== this.last + 1n) throw new Error(`zxid ${zxid} follows ${this.last}`)
    this.last = zxid
    this.#txns.set(zxid, text)
    if (txn.type === OpCode.closeSession) this.#closed.set(header.clientId, zxid)
    this.#change(zxid, txn)
  }

  #change(zxid: Zxid, txn: Txn): void {
    switch (txn.type) {
      case OpCode.create:
      case OpCode.setData:
        this.#put(txn.path, zxid, txn.data)
        return
      case OpCode.delete:
        this.#put(txn.path, zxid, null)
        return
      case OpCode.multi:
        if (txn.txns.some(({ type }) => type === OpCode.error)) return
        for (const op of txn.txns) this.#change(zxid, op)
        return
      case OpCode.closeSession:
        for (const path of txn.paths ?? []) this.#put(path, zxid, null)
        return
      default:
    }
  }

  #put(path: string, zxid: Zxid, value: string | null): void {
    const changes = this.#changes.get(path)
    if (changes === undefined) this.#changes.set(path, [{ zxid, value }])
    else changes.push({ zxid, value })
  }
}

function fingerprint(header: TxnHeader, txn: Txn): string {
  const text = JSON.stringify(txn, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))
  return `${header.clientId}/${header.cxid} ${header.type} ${header.time} ${text}`
}
