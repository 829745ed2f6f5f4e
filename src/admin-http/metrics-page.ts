import { METRIC_NAMINGS, PROMETHEUS_CONTENT_TYPE, renderPrometheus } from '../admin/index.ts'
import type { ProcessStatus } from '../env/index.ts'
import type { ServerStatus } from '../server/index.ts'
import { type HttpReply, TEXT_TYPE } from './http-reply.ts'
import { selectMetrics } from './metrics-text.ts'
import type { RequestFacts } from './request-facts.ts'

/** What the page is made from. */
export interface MetricsSource {
  status(): ServerStatus
  readProcess(): ProcessStatus
  readonly exportsProcessFigures: boolean
}

/**
 * `/metrics`; `?name[]=` once for each name that is wanted, `?names=prometheus` for names in the manner of Prometheus. 400
 * for other `names`.
 */
export function metricsReply(source: MetricsSource, facts: RequestFacts): HttpReply {
  const wanted = facts.values.get('names') ?? 'apache'
  const naming = METRIC_NAMINGS.find((one) => one === wanted)
  if (naming === undefined) {
    const known = METRIC_NAMINGS.map((one) => `names=${one}`).join(' or ')
    return { status: 400, contentType: TEXT_TYPE, body: `there are no such names; use ${known}\n` }
  }
  const text = renderPrometheus(
    source.status(),
    source.readProcess(),
    source.exportsProcessFigures,
    naming,
  )
  const names = new Set(facts.values.getAll('name[]'))
  return {
    status: 200,
    contentType: PROMETHEUS_CONTENT_TYPE,
    body: selectMetrics(text, names),
  }
}
