import { EXIT_PROGRAM_FAILURE } from '../platform/process/index.ts'

/** How a run of the program ended. */
export interface ExitCode {
  readonly code: number
  /** One sentence, for `--help` and the README. */
  readonly meaning: string
}

type ExitName =
  | 'ok'
  | 'failure'
  | 'usage'
  | 'dataFolder'
  | 'diskFailed'
  | 'dataDamaged'
  | 'electionPort'
  | 'programFailure'

/** Codes that Apache ZooKeeper also has (0 to 3, 10 and 14) mean the same here. */
export const EXIT: Readonly<Record<ExitName, ExitCode>> = {
  ok: { code: 0, meaning: 'stopped as asked (SIGTERM, SIGINT)' },
  failure: { code: 1, meaning: 'could not start, for example because the port is taken' },
  usage: { code: 2, meaning: 'wrong arguments or a wrong configuration file' },
  dataFolder: {
    code: 3,
    meaning:
      'the data folder cannot be used: missing, not permitted, foreign, or held by another server',
  },
  diskFailed: {
    code: 10,
    meaning: 'the disk is full at the start or failed later; nothing more could be promised',
  },
  dataDamaged: {
    code: 11,
    meaning: 'stored data is damaged and nothing else could replace it; it was left as it is',
  },
  electionPort: {
    code: 14,
    meaning: 'the election port cannot be listened on, however often it was tried',
  },
  programFailure: {
    code: EXIT_PROGRAM_FAILURE,
    meaning: 'a fault in the program itself; a restart recovers from the log',
  },
}

/** The table as `--help` shows it. */
export function describeExitCodes(): string {
  const lines = Object.values(EXIT).map(
    ({ code, meaning }: ExitCode): string => `  ${String(code).padEnd(4)}${meaning}`,
  )
  return ['Exit codes:', ...lines].join('\n')
}
