/** The first wait of TCP for an acknowledgement, on a fast network (Linux: TCP_RTO_MIN). */
const FIRST_RETRY_MS = 200
/** The longest wait between two tries (Linux: TCP_RTO_MAX). */
const RETRY_MS_MAX = 120_000

/** The wait for the answer to a connection request (Linux: TCP_TIMEOUT_INIT). */
const FIRST_CONNECT_RETRY_MS = 1_000

/** When TCP sends again what was lost. */
export interface Retransmission {
  /** When what was first sent at `firstMs` is sent again, at or after `nowMs`. */
  nextRetryMs(firstMs: number, nowMs: number): number
  /** How long connection request number `attempt`, counted from 0, waits for its answer. */
  connectRetryMs(attempt: number): number
}

/** Ever more seldom, as Linux does it. */
export const BACKING_OFF: Retransmission = { nextRetryMs, connectRetryMs }

/** Always after the same time. */
export function steadyRetransmission(retryMs: number): Retransmission {
  return {
    nextRetryMs: (_firstMs, nowMs) => nowMs + retryMs,
    connectRetryMs: () => retryMs,
  }
}

/**
 * When TCP tries again at or after `nowMs` what it first sent at `firstMs`: each wait is twice the one before.
 * So a connection that was cut off for 10 s may need 2 s more when the network is whole again.
 */
function nextRetryMs(firstMs: number, nowMs: number): number {
  let waitMs = FIRST_RETRY_MS
  let retryMs = firstMs + waitMs
  while (retryMs < nowMs) {
    waitMs = Math.min(2 * waitMs, RETRY_MS_MAX)
    retryMs += waitMs
  }
  return retryMs
}

function connectRetryMs(attempt: number): number {
  return FIRST_CONNECT_RETRY_MS * 2 ** Math.min(attempt, 7)
}
