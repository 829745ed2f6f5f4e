import { PROMETHEUS_CONTENT_TYPE, renderPrometheus } from '../admin/index.ts'
import type { ProcessStatus } from '../env/index.ts'
import type { ServerStatus } from '../server/index.ts'
import type { HttpReply } from './http-reply.ts'
import { selectMetrics } from './metrics-text.ts'
import type { RequestFacts } from './request-facts.ts'

/** What the page is made from. */
export interface MetricsSource {
  status(): ServerStatus
  readProcess(): ProcessStatus
  readonly exportsProcessFigures: boolean
}

/** `/metrics`; `?name[]=` once for each name that is wanted. */
export function metricsReply(source: MetricsSource, facts: RequestFacts): HttpReply {
  const text = renderPrometheus(source.status(), source.readProcess())
  const names = new Set(facts.values.getAll('name[]'))
  return {
    status: 200,
    contentType: PROMETHEUS_CONTENT_TYPE,
    body: selectMetrics(text, names, source.exportsProcessFigures),
  }
}
