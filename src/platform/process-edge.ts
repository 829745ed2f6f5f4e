import type { Logger } from '../env/index.ts'
import { EXIT_PROGRAM_FAILURE } from './process/exit-code.ts'

/**
 * Calls `onStop` at the first SIGTERM or SIGINT. A second signal ends the process at once with
 * 128 + the signal's number, for an operator who does not want to wait.
 */
export function onStopSignal(onStop: (signal: 'SIGTERM' | 'SIGINT') => void): void {
  let isStopping = false
  const receive = (signal: 'SIGTERM' | 'SIGINT', code: number): void => {
    if (isStopping) process.exit(code)
    isStopping = true
    onStop(signal)
  }
  process.on('SIGTERM', () => receive('SIGTERM', 143))
  process.on('SIGINT', () => receive('SIGINT', 130))
}

/**
 * An exception nobody caught means a broken rule inside the program: what it holds in memory cannot be
 * trusted any more. It is logged and the process ends with {@link EXIT_PROGRAM_FAILURE}; a restart
 * recovers from the log.
 */
export function exitOnProgramFailure(logger: Logger): void {
  const fail = (error: unknown): void => {
    const isError = error instanceof Error
    logger.error('the program failed and stops', {
      error: isError ? error.name : typeof error,
      reason: isError ? error.message : String(error),
      stack: (isError ? error.stack : undefined) ?? null,
    })
    process.exit(EXIT_PROGRAM_FAILURE)
  }
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
}

/** Logs why and ends the process. Log lines are written synchronously, so none is lost. */
export function exitFatally(logger: Logger, code: number, message: string, error: Error): never {
  logger.error(message, { error: error.name, reason: error.message })
  process.exit(code)
}
