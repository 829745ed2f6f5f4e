/**
 * An Apache server counts and logs every transaction after which its tree has another digest than the transaction says.
 * The first one has a line of its own; those that follow have one together, as soon as a digest is right again, from
 * whichever thread finds it.
 */
const LINE =
  /^.*?\[(.+)\] WARN \S*DataTree - (?:\[(\d+) times\] )?Message: ?Digests are not matching\. Value is Zxid\. (Value|Last value):(\d+)$/gm

/**
 * How many of them were a snapshot of the server's own that was loaded: it may hold the change of one transaction more
 * than the digest that it states. Loaded when the server starts, in the thread `main`, before anything is sent; and when
 * a leader has its log truncated. There the transaction with that digest counts twice, once for the snapshot and once
 * for itself, which happens to no other.
 */
export function ownMismatches(log: string): number {
  let own = 0
  let first: { readonly isMain: boolean; readonly zxid: string } | null = null
  for (const [, thread, times = '1', place, zxid] of log.matchAll(LINE)) {
    const isMain = thread === 'main'
    if (place === 'Value') {
      first = { isMain, zxid: zxid! }
      if (isMain) own += 1
    } else if (isMain || (first?.isMain === true && zxid === first.zxid)) {
      own += Number(times)
    } else if (times === '1' && zxid === first?.zxid) {
      own += 2
    }
  }
  return own
}
