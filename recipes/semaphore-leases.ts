import type { OneShotWatch, ZooKeeper } from '../src/client/index.ts'
import {
  type Cancellation,
  type Contest,
  type Grant,
  onAbort,
  persist,
  type ZnodeGrant,
} from './base/index.ts'

/** How a layout keeps the leases of a semaphore. */
export interface Leases {
  /** Whoever is about to take a lease holds it; the others queue up here. */
  readonly gate: Contest
  /** So many could be taken without waiting. */
  areFree(count: number, gate: ZnodeGrant, cancellation: Cancellation): Promise<boolean>
  /** Waits for a free lease. When this rejects, nothing is left behind. Rejects when the gate is lost. */
  take(gate: ZnodeGrant, cancellation: Cancellation): Promise<Grant>
}

/** Reads children until `isEnough` likes them; wakes up when they change, and when one of the signals aborts. */
export async function untilChildren(
  zk: ZooKeeper,
  path: string,
  gate: ZnodeGrant,
  cancellation: Cancellation,
  isEnough: (children: readonly string[]) => boolean,
  lost: Promise<unknown> | null = null,
): Promise<void> {
  const { session } = gate
  const { signal } = cancellation
  for (;;) {
    gate.signal.throwIfAborted()
    const { children, watch } = await persist(cancellation, () =>
      zk.getChildren(path, { watch: true, session, signal }),
    )
    try {
      if (isEnough(children)) return
      await untilOneOf(watch, gate.signal, lost, cancellation)
    } finally {
      void watch.close()
    }
  }
}

async function untilOneOf(
  watch: OneShotWatch,
  signal: AbortSignal,
  lost: Promise<unknown> | null,
  cancellation: Cancellation,
): Promise<void> {
  let ignore = (): void => {}
  const aborted = new Promise<void>((resolve) => {
    ignore = onAbort(signal, resolve)
  })
  try {
    const wakers = [watch.fired, aborted, ...(lost === null ? [] : [lost])]
    await cancellation.wait(Promise.race(wakers))
  } finally {
    ignore()
  }
}
