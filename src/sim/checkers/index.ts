import type { Checker } from './checker.ts'
import { CLIENT_CHECKERS } from './client.ts'
import { LIVENESS_CHECKERS } from './liveness.ts'
import { SESSION_CHECKERS } from './sessions.ts'
import { STATE_CHECKERS } from './state.ts'
import { WATCH_CHECKERS } from './watches.ts'
import { ZAB_LEADER_CHECKERS } from './zab-leaders.ts'
import { ZAB_LOG_CHECKERS } from './zab-log.ts'
import { ZAB_ORDER_CHECKERS } from './zab-order.ts'

export {
  type Checker,
  type CheckOptions,
  DEFAULT_CHECK_OPTIONS,
  runCheckers,
  type Violation,
} from './checker.ts'

/** Every invariant, to be shown to a history by `runCheckers`. */
export const CHECKERS: readonly Checker[] = [
  ...ZAB_ORDER_CHECKERS,
  ...ZAB_LOG_CHECKERS,
  ...ZAB_LEADER_CHECKERS,
  ...STATE_CHECKERS,
  ...CLIENT_CHECKERS,
  ...WATCH_CHECKERS,
  ...SESSION_CHECKERS,
  ...LIVENESS_CHECKERS,
]
