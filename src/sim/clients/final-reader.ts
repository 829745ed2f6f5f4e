import { NO_ZXID, type Zxid } from '../../base/index.ts'
import { type ByteString, OpCode, type ReadOp, type Stat } from '../../wire/index.ts'
import type { Call, ReplyHandler } from './call.ts'
import type { Operation } from './operation.ts'
import { childPath } from './roots.ts'
import type { SimClient } from './sim-client.ts'

/** A znode as a client reads it at the end; without `stat` it may not be read, or went while it was being read. */
export interface FinalZnode {
  readonly data: ByteString | null
  readonly stat: Stat | null
}

const SYNC: Operation = { type: OpCode.sync, path: '/' }
const HIDDEN = '/zookeeper'

/**
 * Reads the whole tree after a sync, one multiRead for each level, as it is at one zxid: writes whose connections were
 * lost may still be on their way. A lost connection makes it begin again on the next.
 */
export class FinalReader implements ReplyHandler {
  readonly znodes: Map<string, FinalZnode> = new Map()
  isDone = false
  /** What has been read so far is of this time. */
  zxid: Zxid = NO_ZXID
  readonly #client: SimClient
  readonly #onDone: () => void

  constructor(client: SimClient, onDone: () => void) {
    this.#client = client
    this.#onDone = onDone
  }

  /** What was read is too old. */
  repeat(): void {
    this.isDone = false
    if (this.#client.isReady) this.begin()
  }

  /** The client is ready. */
  begin(): void {
    if (this.isDone) return
    this.znodes.clear()
    this.zxid = NO_ZXID
    this.#client.request(SYNC, this)
    this.#read(['/'])
    this.#client.flush()
  }

  onReply(call: Call): void {
    const { answer, operation } = call
    if (answer === null || operation.type !== OpCode.multiRead) return
    if (this.zxid !== NO_ZXID && answer.zxid !== this.zxid) {
      this.begin()
      return
    }
    this.zxid = answer.zxid
    const reads = answer.reads ?? []
    const below: string[] = []
    operation.ops.forEach((op, i) => {
      const path = op.path!
      const read = reads[i]
      if (op.type === OpCode.getData) {
        const isRead = read?.type === OpCode.getData
        this.znodes.set(path, isRead ? read : { data: null, stat: null })
      } else if (read?.type === OpCode.getChildren) {
        for (const name of read.children) below.push(childPath(path, name))
      }
    })
    const next = below.filter((path) => path !== HIDDEN)
    if (next.length > 0) {
      this.#read(next)
      return
    }
    this.isDone = true
    this.#onDone()
  }

  #read(paths: readonly string[]): void {
    const ops: ReadOp[] = []
    for (const path of paths) {
      ops.push({ type: OpCode.getData, path }, { type: OpCode.getChildren, path })
    }
    this.#client.request({ type: OpCode.multiRead, ops }, this)
  }
}
