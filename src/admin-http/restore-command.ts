import type { IncomingMessage } from 'node:http'
import { renderFailure } from '../admin/index.ts'
import { formatHex, type Zxid } from '../base/index.ts'
import type { ReceivedSnapshot, RestoreRefusal } from '../server/index.ts'
import { DecodeError } from '../wire/index.ts'
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
import { chunksOf } from './request-body.ts'

/** The caller went away before the snapshot was whole. */
class BrokenOffError extends Error {
  override readonly name: string = 'BrokenOffError'
}

const REFUSALS: Readonly<Record<RestoreRefusal, readonly [status: number, error: string]>> = {
  'disk-full': [503, 'the disk is nearly full; make room first'],
  ensemble: [
    409,
    'this server is a member of an ensemble, whose data only all of them can change: stop them, make new data ' +
      'folders with "zabkeeper import" on every one, and start them (docs/admin-http.md, "Restore")',
  ],
  'not-serving': [503, 'the server does not serve clients now; try again'],
}

/**
 * `POST /commands/restore`: a snapshot, which takes the place of all data of a server that stands alone. It is read
 * and checked as a whole first. `?salvage=true` takes one whose digest is another than it says.
 */
export class RestoreCommand implements GuardedCommand {
  readonly name = 'restore'
  readonly aliases: readonly string[] = ['rest']
  readonly method = 'POST'
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
    const { config, logger, clock, metrics } = this.#options
    const { name } = this
    const refused =
      refusal(name, config.isRestoreEnabled, facts, this.#target, this.#options) ??
      this.#refusalOfServer() ??
      limited(name, this.#limit, config.rateLimitIntervalMs)
    if (refused !== null) {
      if (refused.status === 429) metrics.count('restore_rate_limited_count', 1)
      return refused
    }
    this.#limit.begin()
    let isDone = false
    const startMs = clock.monotonicMs()
    try {
      if (request.headers.expect !== undefined) response.writeContinue()
      const snapshot = await this.#receive(request)
      // From here on there is nothing to hear from the caller, however long the disk takes.
      request.socket.setTimeout(0)
      const zxid = checked(snapshot, facts.parameters.get('salvage') === 'true')
      const late = this.#refusalOfServer()
      if (late !== null) return late
      logger.warn('a snapshot takes the place of all data', {
        remote: facts.address,
        zxid: formatHex(zxid),
      })
      const restored = await this.#replace(snapshot, zxid)
      isDone = true
      metrics.observe('restore_time', clock.monotonicMs() - startMs)
      logger.info('the snapshot is in place', { zxid: formatHex(restored) })
      const body = renderFailure(name, null, [['last_zxid', restored]])
      return { status: 200, contentType: JSON_TYPE, body }
    } catch (error) {
      if (error instanceof BrokenOffError) return null
      if (!(error instanceof DecodeError)) throw error
      return failure(name, 500, `this is no whole snapshot, nothing was changed: ${error.message}`)
    } finally {
      this.#limit.end(isDone)
      if (!isDone) metrics.count('restore_error_count', 1)
    }
  }

  #refusalOfServer(): HttpReply | null {
    const reason = this.#target.control.restoreRefusal
    if (reason === null) return null
    const [status, error] = REFUSALS[reason]
    return failure(this.name, status, error)
  }

  async #receive(request: IncomingMessage): Promise<ReceivedSnapshot> {
    const sink = this.#target.control.newSnapshotSink()
    try {
      for await (const chunk of chunksOf(request)) {
        // A later version may have more behind the end.
        if (!sink.isDone) sink.push(chunk, 0, chunk.length)
      }
    } catch (error) {
      if (error instanceof DecodeError) throw error
      throw new BrokenOffError('the snapshot broke off', { cause: error })
    }
    if (!sink.isDone) sink.end()
    return sink.result()
  }

  #replace(snapshot: ReceivedSnapshot, zxid: Zxid): Promise<Zxid> {
    return new Promise((resolve) => this.#target.control.restore(snapshot, zxid, resolve))
  }
}

/**
 * The zxid of a snapshot whose digest is right, if it has one of that zxid: an Apache ZooKeeper that has restored a
 * snapshot itself writes none until its next transaction. @throws DecodeError
 */
function checked(snapshot: ReceivedSnapshot, isSalvaged: boolean): Zxid {
  const { fileDigest, fileZxid } = snapshot
  const zxid = fileZxid ?? fileDigest?.zxid ?? null
  if (zxid === null) {
    throw new DecodeError(
      'it does not say which zxid it is of; "zabkeeper import" takes such files',
    )
  }
  if (fileDigest === null || fileDigest.zxid < zxid || isSalvaged) return zxid
  const { digest } = snapshot.summary(zxid)
  const stated = fileDigest.treeDigest ?? digest
  if (fileDigest.zxid === zxid && stated === digest) return zxid
  throw new DecodeError(
    `it is of ${formatHex(zxid)} with a digest of ${formatHex(fileDigest.zxid)} that is ${formatHex(stated)}, not ` +
      `${formatHex(digest)}: it was taken while writes went on, and needs the log behind it ` +
      '("zabkeeper import"); ?salvage=true takes it as it is',
  )
}
