import { formatHex } from '../base/index.ts'
import type { StateChange, WatchEvent, ZooKeeper } from '../client-node/index.ts'

export interface WatchOptions {
  readonly path: string
  readonly isRecursive: boolean
  /** Ends after so many events; null: never. */
  readonly eventsMax: number | null
  /** Ends it. */
  readonly signal: AbortSignal
  /** Gets every event. */
  readonly onEvent: (event: WatchEvent) => void
  /** Told when the watch is set, and when the connection is lost and there again. */
  readonly onNotice: (text: string) => void
}

/** `asked`: by the signal, or the number of events. `closed`: the client was, for example because its identity was refused. */
export type WatchEnding = 'asked' | 'closed'

/**
 * Sets a watch that stays and passes its events on. It outlives connections and sessions; a `gap` stands for what may have
 * been missed meanwhile.
 * @throws ZkError when the watch cannot be set
 */
export async function watchEvents(client: ZooKeeper, options: WatchOptions): Promise<WatchEnding> {
  const { path, isRecursive, eventsMax, signal, onEvent, onNotice } = options
  const stopNotices = client.onState((change) => onNotice(describeChange(change)))
  const watch = await client.watch(path, { recursive: isRecursive })
  const stop = (): void => void watch.close()
  signal.addEventListener('abort', stop, { once: true })
  try {
    onNotice(`watching ${path}${isRecursive ? ' and everything below it' : ''}`)
    if (signal.aborted) return 'asked'
    let count = 0
    for await (const event of watch) {
      onEvent(event)
      count += 1
      if (count === eventsMax) return 'asked'
    }
    return signal.aborted ? 'asked' : 'closed'
  } finally {
    signal.removeEventListener('abort', stop)
    stopNotices()
  }
}

function describeChange({ state, reason }: StateChange): string {
  return reason === '' ? state : `${state}: ${reason}`
}

/** `created /a/b 0x100000007`; the zxid is missing where the server does not tell it. */
export function renderEvent({ type, path, zxid }: WatchEvent): string {
  return `${type} ${path}${zxid === null ? '' : ` ${formatHex(zxid)}`}\n`
}

/** One line of JSON. `time` is when it was received, ISO 8601. */
export function eventDocument({ type, path, zxid }: WatchEvent, wallMs: number): object {
  const time = new Date(wallMs).toISOString()
  return { time, type, path, zxid: zxid === null ? null : formatHex(zxid) }
}
