import { MaintenanceError } from '../maintenance/index.ts'
import { exitOnProgramFailure, onStopSignal, openPlatform } from '../platform/index.ts'
import { EXIT } from './exit-codes.ts'
import { isExpectedError } from './import.ts'

export const MAINTENANCE_CODES = `Exit codes:
  0   fine
  1   it failed, or there is something to be done
  2   wrong arguments`

/** Runs a tool to its end and ends the process: with what it returns, or with its error on one line. */
export function runTool(work: () => Promise<number>): void {
  const platform = openPlatform({ log: { format: 'text', level: 'error', fd: 2 } })
  exitOnProgramFailure(platform.logger)
  onStopSignal((signal) => process.exit(signal === 'SIGINT' ? 130 : 143))
  endQuietlyWithReader()
  work().then(
    (code) => endWith(code),
    (error: unknown) => {
      if (!(error instanceof MaintenanceError) && !isExpectedError(error)) throw error
      process.stderr.write(`zabkeeper: ${error.message}\n`)
      const isUsage = error instanceof MaintenanceError && error.isUsage
      process.exit(isUsage ? EXIT.usage.code : EXIT.failure.code)
    },
  )
}

/** What was printed may still be on its way into a pipe. */
function endWith(code: number): void {
  process.stdout.write('', () => process.exit(code))
}

/** `| head` closes its end when it has enough. */
function endQuietlyWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok.code)
    throw error
  })
}

/** Prints text, and waits while the reader is slower. */
export async function print(text: string): Promise<void> {
  if (process.stdout.write(text)) return
  await new Promise((resolve) => {
    process.stdout.once('drain', resolve)
  })
}
