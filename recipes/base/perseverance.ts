import { ClosedError, type Session, ZkError, type ZooKeeper } from '../../src/client/index.ts'
import type { Cancellation } from './cancellation.ts'

/** `read`: the call has no effect. `idempotent`: it may have its effect twice. */
export type Repeatable = 'idempotent' | 'read'

/**
 * Makes a call until it is answered: again after a lost connection, a timeout, an overloaded or read-only server.
 * Other errors are the caller's. A call with a `session` fails when that is over; one without waits for the next.
 */
export async function persist<T>(
  cancellation: Cancellation,
  call: () => Promise<T>,
  repeatable: Repeatable = 'read',
): Promise<T> {
  for (;;) {
    cancellation.check()
    try {
      return await call()
    } catch (error) {
      if (!isWorthAnotherTry(error, repeatable)) throw error
    }
    await cancellation.pause()
  }
}

function isWorthAnotherTry(error: unknown, repeatable: Repeatable): boolean {
  if (!(error instanceof ZkError) || !error.retryable) return false
  return error.outcome === 'not-applied' || repeatable === 'idempotent'
}

/** A write was sent, and nobody knows whether it was applied, or nobody could read what came of it. */
export function mayBeApplied(error: unknown): error is ZkError {
  return error instanceof ZkError && error.outcome !== 'not-applied'
}

/** The session, as soon as there is one. @throws ClosedError */
export async function liveSession(zk: ZooKeeper, cancellation: Cancellation): Promise<Session> {
  for (;;) {
    cancellation.check()
    const { session } = zk
    if (session !== null && !session.isOver) return session
    await nextState(zk, cancellation)
  }
}

/**
 * The session with that id, as soon as it is known whether it still lives; null when it has ended. A session that the
 * client thought lost may come back under another `Session`, with all its ephemeral znodes.
 */
export async function sessionOfId(
  zk: ZooKeeper,
  id: bigint,
  cancellation: Cancellation,
): Promise<Session | null> {
  for (;;) {
    cancellation.check()
    if (zk.state === 'closed') return null
    const { session } = zk
    if (session !== null && !session.isOver) return session.id === id ? session : null
    await nextState(zk, cancellation)
  }
}

/** Until the client changes its state. @throws ClosedError */
async function nextState(zk: ZooKeeper, cancellation: Cancellation): Promise<void> {
  if (zk.state === 'closed') throw new ClosedError('CLOSED', 'the client is closed')
  let ignore = (): void => {}
  const changed = new Promise<void>((resolve) => {
    ignore = zk.onState(() => resolve())
  })
  try {
    await cancellation.wait(changed)
  } finally {
    ignore()
  }
}
