import type { ServerId } from '../../base/index.ts'
import type { Config } from '../../config/index.ts'
import type { RecoveryReport } from '../../storage/index.ts'
import type { EventFact } from './event.ts'

/** A server has its state, and what counts of its configuration when somebody asks why a session or a leader ended. */
export function startedEvent(
  serverId: ServerId,
  config: Config,
  { wasCleanStop, isNew }: RecoveryReport,
  tookMs: number,
): EventFact {
  const { ensemble } = config
  const figures: Record<string, number | string> = {
    tickTime: config.tickTimeMs,
    minSessionTimeout: config.minSessionTimeoutMs,
    maxSessionTimeout: config.maxSessionTimeoutMs,
    'fsync.warningthresholdms': config.fsyncWarningMs,
    ...(ensemble === null
      ? {}
      : {
          initLimit: ensemble.initLimit,
          syncLimit: ensemble.syncLimit,
          servers: ensemble.members.map(({ id }) => id).join(','),
        }),
  }
  return {
    kind: 'started',
    serverId,
    wasCleanStop: wasCleanStop || isNew,
    recoveryMs: Math.round(tookMs),
    configuration: Object.entries(figures)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  }
}
