/** A late timer, a long collection or a big turn is no pause: this much more than a tick may pass, at least. */
const SLACK_MS_MIN = 250

/**
 * How far session deadlines move, in ms, when this process looks at the clock at `nowMs` and did so before at
 * `lastSeenMs`: 0 in the usual case, else the whole gap.
 *
 * While there are sessions the clock is looked at in every turn and at least once a tick, so a gap of more than a
 * tick and a half is time in which the process did not run (SIGSTOP, a suspended machine, a swapped-out heap). It
 * could not see the pings that came, so that time does not count against anybody. Numbered story, timeout 4 s, tick 2 s:
 *   1. Clients A and B ping every 1.3 s; the process is stopped for 7 s; their pings wait in socket buffers.
 *   2. It wakes. Timers run before sockets are read, so by the clock both sessions are 3 s over their time.
 *   3. The gap of more than 7 s moves every deadline by as much: A and B have left what they had at the stop.
 *   4. The turn reads their pings before it asks who has expired, and touches them.
 * Upstream expires both in step 2 (measured for 3.8.0: 20 of 20 sessions).
 *
 * The whole gap counts, not the gap less the tick that is usual: the pause may have begun right after `lastSeenMs`.
 * A shorter pause is not noticed and does no harm as step 4 goes before expiry and a session lives at least two ticks.
 */
export function pauseExtension(lastSeenMs: number, nowMs: number, tickMs: number): number {
  const gapMs = nowMs - lastSeenMs
  return gapMs > tickMs + Math.max(tickMs / 2, SLACK_MS_MIN) ? gapMs : 0
}
