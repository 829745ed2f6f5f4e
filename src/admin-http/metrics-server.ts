import type { MetricsProviderConfig } from '../config/index.ts'
import type { Address, Logger } from '../env/index.ts'
import { HttpPort } from './http-port.ts'
import { sendReply, TEXT_TYPE } from './http-reply.ts'
import { type MetricsSource, metricsReply } from './metrics-page.ts'
import { factsOf } from './request-facts.ts'

const IDLE_TIMEOUT_MS = 30_000
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST'])

/** The port of upstream's Prometheus provider: `/metrics` and nothing else. It answers POST too, as upstream does. */
export class MetricsServer {
  readonly #port: HttpPort

  constructor(config: MetricsProviderConfig, source: MetricsSource, logger: Logger) {
    const { host, port } = config
    this.#port = new HttpPort(
      {
        name: 'metrics port',
        host,
        port,
        portSetting: 'metricsProvider.httpPort',
        idleTimeoutMs: IDLE_TIMEOUT_MS,
      },
      logger,
      (request, response) => {
        const facts = factsOf(request, false)
        request.on('error', () => {})
        response.on('error', () => {})
        const isKnown = facts?.path === '/metrics'
        const isAllowed = METHODS.has(request.method ?? '')
        const contentType = TEXT_TYPE
        if (facts === null || !isKnown) {
          const body = 'there is nothing here; try /metrics\n'
          sendReply(response, { status: 404, contentType, body }, !request.complete)
        } else if (!isAllowed) {
          const headers = { Allow: 'GET, HEAD, POST' }
          sendReply(response, { status: 405, contentType, body: '', headers }, !request.complete)
        } else sendReply(response, metricsReply(source, facts), !request.complete)
      },
    )
  }

  open(): Promise<Address | null> {
    return this.#port.open()
  }

  close(): void {
    this.#port.close()
  }
}
