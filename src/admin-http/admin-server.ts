import type { IncomingMessage, ServerResponse } from 'node:http'
import { ADMIN_COMMANDS, findAdminCommand, NOT_SERVING, renderAnswer } from '../admin/index.ts'
import type { Address } from '../env/index.ts'
import type { AdminOptions, AdminTarget } from './admin-target.ts'
import { failure, type GuardedCommand } from './guarded-command.ts'
import { livezReply, readyzReply } from './health-pages.ts'
import { HttpPort } from './http-port.ts'
import { type HttpReply, JSON_TYPE, sendReply, TEXT_TYPE } from './http-reply.ts'
import { metricsReply } from './metrics-page.ts'
import { discardBody } from './request-body.ts'
import { factsOf, type RequestFacts } from './request-facts.ts'
import { RestoreCommand } from './restore-command.ts'
import { ShedCommand } from './shed-command.ts'
import { SnapshotCommand } from './snapshot-command.ts'

const READING = 'GET, HEAD, OPTIONS'

/**
 * The HTTP port for operators: the commands of Apache ZooKeeper's admin server, probes and metrics. It only looks at the
 * server, but for what {@link GuardedCommand}s and the resetting commands do.
 */
export class AdminServer {
  readonly #target: AdminTarget
  readonly #options: AdminOptions
  readonly #port: HttpPort
  readonly #guarded: ReadonlyMap<string, GuardedCommand>
  readonly #listing: string

  constructor(target: AdminTarget, options: AdminOptions) {
    this.#target = target
    this.#options = options
    const guarded = [
      new RestoreCommand(target, options),
      new ShedCommand(target, options),
      new SnapshotCommand(target, options),
    ]
    this.#guarded = new Map(
      guarded.flatMap((command) =>
        [command.name, ...command.aliases].map((name) => [name, command] as const),
      ),
    )
    const { host, port, idleTimeoutMs, commandPath } = options.config
    const names = [...ADMIN_COMMANDS, ...guarded].map(({ name }) => name).sort()
    this.#listing = names
      .map((name) => `<a href="${commandPath}/${name}">${name}</a>\n<br/>\n`)
      .join('')
    this.#port = new HttpPort(
      { name: 'admin server', host, port, portSetting: 'admin.serverPort', idleTimeoutMs },
      options.logger,
      (request, response) => {
        void this.#onRequest(request, response)
      },
    )
  }

  /** Resolves when it listens, or cannot: then null, and one line in the log. */
  open(): Promise<Address | null> {
    return this.#port.open()
  }

  close(): void {
    this.#port.close()
  }

  /** A fault of the program in an answer must not end the server: it is told and logged. */
  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const facts = factsOf(request, this.#options.config.trustsForwardedFor)
    // Whoever goes away in the middle says so by an error that nobody needs.
    request.on('error', () => {})
    response.on('error', () => {})
    try {
      const reply = facts === null ? notFound() : await this.#reply(facts, request, response)
      if (reply === null) return
      // Who waits for leave to send its body has sent none.
      if (request.headers.expect === undefined) await discardBody(request)
      sendReply(response, reply, !request.complete)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#options.logger.error('a request to the admin server failed', {
        path: facts?.path ?? '',
        reason,
      })
      if (response.headersSent) response.destroy()
      else sendReply(response, text(500, 'the server failed to answer; its log says why'), true)
    }
  }

  async #reply(
    facts: RequestFacts,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<HttpReply | null> {
    const { path } = facts
    const { commandPath } = this.#options.config
    if (path.startsWith(`${commandPath}/`) && path.length > commandPath.length + 1) {
      const name = path.slice(commandPath.length + 1)
      const guarded = this.#guarded.get(name)
      if (guarded === undefined) return reading(facts, () => this.#command(name, facts))
      if (facts.method !== guarded.method) return wrongMethod(facts, `${guarded.method}, OPTIONS`)
      return guarded.run({ facts, request, response })
    }
    switch (path) {
      case commandPath:
      case `${commandPath}/`:
        return reading(facts, () => ({ status: 200, contentType: null, body: this.#listing }))
      case '/livez': {
        const delayMs = await this.#loopDelay()
        return reading(facts, () => livezReply(this.#target.status(), delayMs))
      }
      case '/readyz':
        return reading(facts, () => readyzReply(this.#target.status(), facts.values.has('verbose')))
      case '/metrics':
        return reading(facts, () => this.#metrics(facts))
      default:
        return notFound()
    }
  }

  #command(name: string, facts: RequestFacts): HttpReply {
    const command = findAdminCommand(name)
    if (command === undefined) return failure(name, 200, `Unknown command: ${name}`)
    const status = this.#target.status()
    if (!status.isServing && !command.needsNoServer) return failure(command.name, 200, NOT_SERVING)
    const answer = command.answer({
      status,
      process: this.#options.readProcess(),
      start: this.#options.start,
      control: this.#target.control,
      parameters: facts.parameters,
    })
    return { status: 200, contentType: JSON_TYPE, body: renderAnswer(command.name, answer) }
  }

  #metrics(facts: RequestFacts): HttpReply {
    const { readProcess, exportsProcessFigures } = this.#options
    const source = { status: () => this.#target.status(), readProcess, exportsProcessFigures }
    return metricsReply(source, facts)
  }

  /** How long one round of the event loop takes now. */
  #loopDelay(): Promise<number> {
    const { clock } = this.#options
    const startMs = clock.monotonicMs()
    return new Promise((resolve) => {
      setImmediate(() => resolve(clock.monotonicMs() - startMs))
    })
  }
}

function reading(facts: RequestFacts, reply: () => HttpReply): HttpReply {
  if (facts.method === 'GET' || facts.method === 'HEAD') return reply()
  return wrongMethod(facts, READING)
}

function wrongMethod({ method }: RequestFacts, allowed: string): HttpReply {
  const headers = { Allow: allowed }
  if (method === 'OPTIONS') return { status: 200, contentType: null, body: '', headers }
  // Upstream forbids it, for it shows a caller its own headers.
  if (method === 'TRACE') return { status: 403, contentType: null, body: '' }
  return { ...text(405, `${method} is not supported here; use ${allowed}`), headers }
}

function notFound(): HttpReply {
  return text(404, 'there is nothing here; try /commands, /livez, /readyz or /metrics')
}

function text(status: number, sentence: string): HttpReply {
  return { status, contentType: TEXT_TYPE, body: `${sentence}\n` }
}
