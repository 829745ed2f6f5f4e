import { Violation } from './checkers.ts'
import { isQuorum, type QuorumSpec } from './cluster.ts'
import type { Server, World } from './harness.ts'

/** How often it looks, ms. */
const PERIOD_MS = 100
/** By then a leader whose disk hangs, or who reaches no quorum (who is being synchronized counts until initLimit), is none. */
const HUNG_DISK_MS = 2000
const NO_QUORUM_MS = 6500

interface Watched {
  incarnation: number
  diskWorkedMs: number
  quorumSeenMs: number
}

/** Checks what can only be seen while time passes: nobody leads for long who cannot (L5). */
export class Watchdog {
  readonly #world: World
  readonly #quorum: QuorumSpec
  readonly #watched = new Map<Server, Watched>()

  constructor(world: World, quorum: QuorumSpec) {
    this.#world = world
    this.#quorum = quorum
    this.#tick()
  }

  #tick(): void {
    for (const server of this.#world.servers) this.#watch(server)
    this.#world.after(PERIOD_MS, () => this.#tick())
  }

  #watch(server: Server): void {
    const { nowMs } = this.#world
    let watched = this.#watched.get(server)
    const isLeading = server.role?.role === 2 && server.role.serving
    // A paused server can do nothing about it; when it goes on, it has its time again.
    if (watched === undefined || !isLeading || server.isPaused) {
      watched = { incarnation: server.incarnation, diskWorkedMs: nowMs, quorumSeenMs: nowMs }
      this.#watched.set(server, watched)
      return
    }
    const isWaiting = server.isDiskHung && server.inFlight.length + server.queue.length > 0
    if (!isWaiting) watched.diskWorkedMs = nowMs
    if (this.#reachesQuorum(server)) watched.quorumSeenMs = nowMs
    if (nowMs - watched.diskWorkedMs > HUNG_DISK_MS) {
      throw new Violation('L5', `server ${server.sid} leads with a disk that hangs`)
    }
    if (nowMs - watched.quorumSeenMs > NO_QUORUM_MS) {
      throw new Violation('L5', `server ${server.sid} leads without a quorum`)
    }
  }

  #reachesQuorum(server: Server): boolean {
    const { blocked } = this.#world
    return isQuorum(this.#quorum, (sid) => {
      const other = this.#world.server(sid)
      if (other === server) return true
      const isCut = blocked.has(`${server.sid}>${sid}`) || blocked.has(`${sid}>${server.sid}`)
      return other.core !== null && !other.isPaused && !isCut
    })
  }
}
