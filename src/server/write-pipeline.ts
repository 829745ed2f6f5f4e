import { assert, Fifo, type SessionId, type Zxid } from '../base/index.ts'
import type { Clock } from '../env/index.ts'
import type { Storage } from '../storage/index.ts'
import {
  type AuthId,
  type ErrorCode,
  encodeTxnEntry,
  OutputBuffer,
  type WriteRequest,
} from '../wire/index.ts'
import type { ApplyResult, WritePreparer } from '../znodes/index.ts'
import type { ClientConnection, ClientProposal } from './client-connection.ts'
import type { Outstanding } from './outstanding.ts'
import { PendingKind } from './pending.ts'
import type { ReplicatedState } from './replicated-state.ts'

/** Who asks for a write. */
export interface WriteOrigin {
  /** Null when the server itself asks (expiry, container sweep) or nobody waits for a reply. */
  readonly connection: ClientConnection | null
  readonly sessionId: SessionId
  readonly xid: number
  readonly opcode: number
  readonly ids: readonly AuthId[]
  /** Why the session may not write any more; ok while it may. */
  readonly sessionError: ErrorCode
  /** Length of the request's frame; 0 for the server's own writes. */
  readonly bytes: number
  readonly admittedMs: number
}

/** Told about every applied write, in zxid order. */
export interface CommitHandler {
  onApplied(proposal: ClientProposal, result: ApplyResult, nowMs: number): void
  /** The connection has output to send. */
  onTurnNeeded(connection: ClientConnection): void
}

/**
 * The way of a write on a standalone server: prepared against the tree plus everything still uncommitted, given a
 * zxid, appended to the log; applied and answered, in zxid order, once the log says it is durable.
 */
export class WritePipeline {
  readonly #state: ReplicatedState
  readonly #preparer: WritePreparer
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #outstanding: Outstanding
  readonly #handler: CommitHandler
  readonly #proposals: Fifo<ClientProposal> = new Fifo()
  /** Connections that have, or had a moment ago, a request that waits for a zxid (a sync). */
  readonly #waiting: Set<ClientConnection> = new Set()
  readonly #scratch: OutputBuffer = new OutputBuffer()
  #lastProposed: Zxid

  constructor(
    state: ReplicatedState,
    preparer: WritePreparer,
    storage: Storage,
    clock: Clock,
    outstanding: Outstanding,
    handler: CommitHandler,
  ) {
    this.#state = state
    this.#preparer = preparer
    this.#storage = storage
    this.#clock = clock
    this.#outstanding = outstanding
    this.#handler = handler
    this.#lastProposed = state.lastApplied
  }

  get lastProposed(): Zxid {
    return this.#lastProposed
  }

  /** Gives the write the next zxid and its place in the log. A refused write is logged too, as an error txn. */
  propose(request: WriteRequest, origin: WriteOrigin): ClientProposal {
    const zxid = BigInt.asIntN(64, this.#lastProposed + 1n) as Zxid
    this.#lastProposed = zxid
    const prepared = this.#preparer.prepare(request, {
      sessionId: origin.sessionId,
      cxid: origin.xid,
      zxid,
      timeMs: this.#clock.wallMs(),
      ids: origin.ids,
      sessionError: origin.sessionError,
    })
    const proposal: ClientProposal = {
      kind: PendingKind.proposal,
      header: prepared.header,
      txn: prepared.txn,
      digest: prepared.digest,
      origin: origin.connection,
      xid: origin.xid,
      opcode: origin.opcode,
      bytes: origin.bytes,
      admittedMs: origin.admittedMs,
    }
    this.#proposals.push(proposal)
    this.#outstanding.add(origin.bytes)
    origin.connection?.owe(proposal)
    this.#scratch.reset()
    encodeTxnEntry(this.#scratch, prepared.header, prepared.txn, prepared.digest)
    this.#storage.append(zxid, this.#scratch.bytes, this.#scratch.start, this.#scratch.end)
    return proposal
  }

  /** The connection has a request that must not run before everything proposed so far is applied. */
  awaitApplied(connection: ClientConnection): void {
    this.#waiting.add(connection)
  }

  /** The connection has gone. */
  forget(connection: ClientConnection): void {
    this.#waiting.delete(connection)
  }

  /** Everything up to `zxid` survives a power cut: apply it and answer. */
  onDurable(zxid: Zxid, nowMs: number): void {
    for (;;) {
      const proposal = this.#proposals.peek()
      if (proposal === null || proposal.header.zxid > zxid) break
      this.#proposals.shift()
      this.#outstanding.remove(proposal.bytes)
      proposal.origin?.runAllBefore(proposal)
      assert(
        proposal.header.zxid === this.#state.lastApplied + 1n,
        'writes are applied in zxid order without gaps',
      )
      const result = this.#state.apply(proposal.header, proposal.txn, proposal.digest)
      this.#preparer.release(proposal.header.zxid)
      this.#handler.onApplied(proposal, result, nowMs)
    }
    this.#runWaiting()
  }

  #runWaiting(): void {
    for (const connection of this.#waiting) {
      connection.runWaiting()
      this.#handler.onTurnNeeded(connection)
      if (connection.pendingCount === 0) this.#waiting.delete(connection)
    }
  }
}
