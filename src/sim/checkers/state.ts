import { formatHex, type ServerId, type Zxid } from '../../base/index.ts'
import { ErrorCode, type MultiTxn, OpCode, type OpResult, type Txn } from '../../wire/index.ts'
import type { Checker, Run, Watching } from './checker.ts'
import type { Operation } from './history-index.ts'
import { matchesAt, readsOf } from './reads.ts'

/* What the state is at a zxid, wherever it comes from. */

/** What is wrong with a tree digest at `zxid`, or null. */
function digestError({ index }: Run, what: string, zxid: Zxid, digest: bigint): string | null {
  const expected = index.model.digestAt(index.positionOf(zxid))
  if (digest === expected) return null
  return `${what} at ${formatHex(zxid)} has digest ${formatHex(digest)}, the model ${formatHex(expected)}`
}

/** D1. */
function watchDeterminism(run: Run): Watching {
  return {
    before: {
      apply: (event) =>
        digestError(run, `the state of server ${event.server}`, event.zxid, event.digest),
      end: (event) => {
        for (const { server, zxid, digest } of event.replicas) {
          const text = digestError(run, `the final state of server ${server}`, zxid, digest)
          if (text !== null) return text
        }
        return null
      },
    },
  }
}

/** D2. */
function watchSnapshots(run: Run): Watching {
  return {
    before: {
      snapshot: (event) => {
        const { applied } = run.servers.of(event.server)
        if (event.zxid > applied) {
          return `a snapshot at ${formatHex(event.zxid)}, but only ${formatHex(applied)} is applied`
        }
        return digestError(run, 'the snapshot', event.zxid, event.digest)
      },
      install: (event) => digestError(run, 'the installed state', event.zxid, event.digest),
    },
  }
}

/** D3. A snapshot that was on its way to the disk when the server died may be gone: a start says what is there. */
function watchTruncation({ servers }: Run): Watching {
  /** The newest snapshot of each server. */
  const snapshots = new Map<ServerId, Zxid>()
  return {
    before: {
      snapshot: (event) => {
        snapshots.set(event.server, event.zxid)
        return null
      },
      install: (event) => {
        snapshots.set(event.server, event.zxid)
        return null
      },
      truncate: (event) => {
        const snapshot = snapshots.get(event.server) ?? 0n
        if (snapshot <= event.zxid) return null
        return `the log of server ${event.server} is cut to ${formatHex(event.zxid)}, a snapshot at ${formatHex(snapshot)} stays`
      },
      restart: (event) => {
        const { lastZxid, checkpointZxid } = event.recovered
        if (checkpointZxid > lastZxid) {
          return `server ${event.server} finds a checkpoint at ${formatHex(checkpointZxid)} behind the end of its log, ${formatHex(lastZxid)}`
        }
        snapshots.set(event.server, checkpointZxid)
        if (event.disk === 'replaced') return null
        const { handed, durable } = servers.of(event.server)
        if (lastZxid <= handed.log.last || lastZxid <= durable.log.last) return null
        return `server ${event.server} finds ${formatHex(lastZxid)} in its log, which was to end at ${formatHex(handed.log.last)}`
      },
    },
  }
}

/** D4. */
function watchRecovery(run: Run): Watching {
  return {
    before: {
      restart: ({ server, recovered }) =>
        digestError(
          run,
          `the recovered state of server ${server}`,
          recovered.checkpointZxid,
          recovered.checkpointDigest,
        ),
    },
  }
}

/** D5. */
function watchMultis(run: Run): Watching {
  const { index } = run
  return {
    before: {
      return: (event, at) => {
        const operation = index.operationAt(at)
        if (operation === undefined || event.err !== ErrorCode.ok) return null
        if (operation.request.type === OpCode.multiRead) return multiReadError(run, operation)
        if (operation.request.type !== OpCode.multi) return null
        const txn = index.committed(event.zxid)?.txn
        if (txn === undefined || txn.type !== OpCode.multi) {
          return `the multi is answered at ${formatHex(event.zxid)}, where there is none`
        }
        return multiError(txn, event.response.ops ?? [], event.zxid)
      },
    },
  }
}

/** Compares the results of a multi with its transaction: all or nothing, the first real error, one zxid. */
function multiError(txn: MultiTxn, ops: readonly OpResult[], zxid: Zxid): string | null {
  if (ops.length !== txn.txns.length) {
    return `${ops.length} results for ${txn.txns.length} operations of a multi`
  }
  const failed = txn.txns.findIndex((op) => op.type === OpCode.error)
  for (const [i, op] of ops.entries()) {
    const expected = failed < 0 ? ErrorCode.ok : expectedError(txn.txns[i]!, i, failed)
    if (op.err !== expected || (failed >= 0 && op.type !== OpCode.error)) {
      return `operation ${i} of a multi has result ${op.err}, expected ${expected}`
    }
    const { stat } = op
    if (stat === null) continue
    if ((op.type === OpCode.setData ? stat.mzxid : stat.czxid) !== zxid) {
      return `operation ${i} of a multi has a zxid of its own`
    }
  }
  return null
}

/** Before the failed operation 0, at it its error, after it "rolled back". */
function expectedError(txn: Txn, place: number, failed: number): number {
  if (place < failed) return ErrorCode.ok
  if (place > failed) return ErrorCode.runtimeInconsistency
  return txn.type === OpCode.error ? txn.err : ErrorCode.ok
}

/** A multiRead sees one state: some state that all of its reads fit. */
function multiReadError({ index }: Run, operation: Operation): string | null {
  const reads = readsOf(operation)
  const upTo = index.positionOf(operation.reply!.zxid)
  if (reads.every((read) => matchesAt(index, read, upTo))) return null
  const positions = new Set(
    reads.flatMap((read) => index.model.versionPositions(read.path, 0, upTo)),
  )
  for (const position of positions) {
    if (reads.every((read) => matchesAt(index, read, position))) return null
  }
  return 'the results of a multiRead fit no single state'
}

export const STATE_CHECKERS: readonly Checker[] = [
  { id: 'D1', title: 'determinism', watch: watchDeterminism },
  { id: 'D2', title: 'snapshot exactness', watch: watchSnapshots },
  { id: 'D3', title: 'nothing above a new head', watch: watchTruncation },
  { id: 'D4', title: 'recovery equivalence', watch: watchRecovery },
  { id: 'D5', title: 'multi atomicity', watch: watchMultis },
]
