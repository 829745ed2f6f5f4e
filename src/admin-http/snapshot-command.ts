import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { renderFailure } from '../admin/index.ts'
import { SnapshotFile } from '../apache-files/index.ts'
import { formatHex } from '../base/index.ts'
import type { AdminOptions, AdminTarget } from './admin-target.ts'
import {
  failure,
  type GuardedCommand,
  type GuardedRequest,
  limited,
  refusal,
} from './guarded-command.ts'
import { type HttpReply, JSON_TYPE } from './http-reply.ts'
import { RateLimit } from './rate-limit.ts'
import { SnapshotRoomError, writeSnapshotFile } from './snapshot-folder.ts'

/** What is encoded before others have a turn. */
const PIECE_BYTES = 256 * 1024

/** The state was replaced while it was given out. */
class SnapshotLostError extends Error {
  override readonly name: string = 'SnapshotLostError'
}

/**
 * `GET /commands/snapshot`: the state as a file of Apache ZooKeeper, of one moment, while writes go on; in the body, or
 * with `?streaming=false` in the data folder.
 */
export class SnapshotCommand implements GuardedCommand {
  readonly name = 'snapshot'
  readonly aliases: readonly string[] = ['snap']
  readonly method = 'GET'
  readonly #target: AdminTarget
  readonly #options: AdminOptions
  readonly #limit: RateLimit

  constructor(target: AdminTarget, options: AdminOptions) {
    this.#target = target
    this.#options = options
    const { rateLimitIntervalMs } = options.config
    this.#limit = new RateLimit(rateLimitIntervalMs, () => options.clock.monotonicMs())
  }

  async run({ facts, request, response }: GuardedRequest): Promise<HttpReply | null> {
    const { config, metrics } = this.#options
    const { name } = this
    const refused =
      refusal(name, config.isSnapshotEnabled, facts, this.#target, this.#options) ??
      limited(name, this.#limit, config.rateLimitIntervalMs)
    if (refused !== null) {
      if (refused.status === 429) metrics.count('snapshot_rate_limited_count', 1)
      return refused
    }
    this.#limit.begin()
    let isDone = false
    // Both are of the same moment: one tells how long the other will be.
    const measured = new SnapshotFile(this.#target.state)
    const given = new SnapshotFile(this.#target.state)
    try {
      // There is nothing to hear from the caller until the first byte is sent.
      request.socket.setTimeout(0)
      const bytes = await sizeOf(measured)
      const headers = { last_zxid: formatHex(given.zxid), snapshot_size: String(bytes) }
      const isStreamed = facts.parameters.get('streaming')?.toLowerCase() !== 'false'
      if (isStreamed) request.socket.setTimeout(config.idleTimeoutMs)
      const reply = isStreamed
        ? await stream(given, bytes, headers, response)
        : await this.#keep(given, bytes, headers)
      isDone = reply === null || reply.status === 200
      return reply
    } catch (error) {
      if (!(error instanceof SnapshotLostError)) throw error
      return failure(name, 500, error.message)
    } finally {
      measured.end()
      given.end()
      this.#limit.end(isDone)
      if (!isDone) metrics.count('snapshot_error_count', 1)
    }
  }

  async #keep(
    file: SnapshotFile,
    bytes: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpReply> {
    const { dataDir, diskFreeBytesMin, logger } = this.#options
    try {
      const pieces = piecesOf(file)
      const path = await writeSnapshotFile(dataDir, file.zxid, pieces, bytes, diskFreeBytesMin)
      logger.info('snapshot written', { path, bytes, zxid: formatHex(file.zxid) })
      const body = renderFailure(this.name, null)
      return { status: 200, contentType: JSON_TYPE, body, headers }
    } catch (error) {
      if (!(error instanceof SnapshotRoomError)) throw error
      return failure(this.name, 500, error.message)
    }
  }
}

/** Null when the caller has it, or has gone. */
async function stream(
  file: SnapshotFile,
  bytes: number,
  headers: Readonly<Record<string, string>>,
  response: ServerResponse,
): Promise<null> {
  response.writeHead(200, {
    ...headers,
    'Content-Type': 'application/octet-stream',
    'Content-Length': bytes,
    'Cache-Control': 'no-store',
  })
  try {
    for await (const piece of piecesOf(file)) {
      if (response.destroyed) return null
      if (!response.write(piece)) await drained(response)
    }
    response.end()
  } catch (error) {
    if (!(error instanceof SnapshotLostError)) throw error
    // The head is out: only an early end can say that this is no snapshot.
    response.destroy()
  }
  return null
}

async function sizeOf(file: SnapshotFile): Promise<number> {
  let bytes = 0
  for await (const piece of piecesOf(file)) bytes += piece.length
  return bytes
}

/** One piece a turn: clients are served in between, and may change the tree. */
async function* piecesOf(file: SnapshotFile): AsyncGenerator<Uint8Array, void> {
  const pieces = file.pieces(PIECE_BYTES)
  for (;;) {
    if (file.isOver) throw new SnapshotLostError('the data was replaced meanwhile; try again')
    const piece = pieces.next()
    if (piece.done === true) return
    yield piece.value
    await nextTurn()
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle)
      response.off('close', settle)
      resolve()
    }
    response.on('drain', settle)
    response.on('close', settle)
  })
}
