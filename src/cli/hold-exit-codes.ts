import type { ExitCode } from './exit-codes.ts'

type HoldExitName = 'cannotRun' | 'failure' | 'lost' | 'notFound' | 'timeout'

/** Of `lock`, `elect` and `run`, where the command has not ended by itself. 124 to 127 are those of timeout(1). */
export const HOLD_EXIT: Readonly<Record<HoldExitName, ExitCode>> = {
  lost: { code: 120, meaning: 'what was held was lost, and the command was stopped' },
  timeout: { code: 124, meaning: 'it was not granted within --timeout' },
  failure: {
    code: 125,
    meaning: 'it could not be asked for: no server, no permission, contenders of another kind',
  },
  cannotRun: { code: 126, meaning: 'the command was found and cannot be run' },
  notFound: { code: 127, meaning: 'the command was not found' },
}

/** As `--help` shows them. */
export function describeHoldExitCodes(): string {
  const lines = Object.values(HOLD_EXIT).map(({ code, meaning }) => `  ${code}  ${meaning}`)
  return [
    'Exit codes: that of the command, 128 + N when signal N ended it, or',
    ...lines,
    '  2    wrong arguments',
  ].join('\n')
}
