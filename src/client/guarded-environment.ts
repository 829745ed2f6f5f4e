import type { LogFields, Logger } from '../env/index.ts'
import type { ClientEnvironment } from './environment.ts'
import type { ClientObserver } from './observer.ts'

/**
 * The same world, with a logger and an observer that never throw: they are somebody else's code, and a client that
 * they stopped half-way would answer nobody any more.
 */
export function guardedEnvironment(env: ClientEnvironment): ClientEnvironment {
  const { clock, timers, random, network, observer } = env
  const guarded = { clock, timers, random, network, logger: guardedLogger(env.logger) }
  return {
    ...guarded,
    ...(observer === undefined ? {} : { observer: guardedObserver(observer) }),
    ...(env.resolveSrv === undefined ? {} : { resolveSrv: (name) => env.resolveSrv!(name) }),
  }
}

function guardedLogger(logger: Logger): Logger {
  const log = (level: keyof Logger) => (message: string, fields?: LogFields) =>
    unheard(() => logger[level](message, fields))
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
}

function guardedObserver(observer: ClientObserver): ClientObserver {
  return {
    get wantsRequests() {
      return observer.wantsRequests
    },
    // What fails here fails one call.
    request: (request, run) => observer.request(request, run),
    state: (change) => unheard(() => observer.state(change)),
    connectionEnd: (end) => unheard(() => observer.connectionEnd(end)),
    watchEvent: (event) => unheard(() => observer.watchEvent(event)),
  }
}

function unheard(task: () => void): void {
  try {
    task()
  } catch {
    // There is nobody left to tell.
  }
}
