import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError, ZkError } from '../client-node/index.ts'
import { clientNetwork, tlsNetwork } from '../client-node/network/index.ts'
import {
  ClusterError,
  type EnsembleList,
  listFromZooCfg,
  type Reach,
  type SurveyOptions,
} from '../cluster/index.ts'
import { ConfigError } from '../config/index.ts'
import { EXIT_PROGRAM_FAILURE } from '../platform/process/index.ts'
import { EXIT } from './exit-codes.ts'
import { say } from './say.ts'
import {
  addIdentityFlags,
  addServersFlag,
  connectOptions,
  readMs,
  type ServerFlags,
} from './server-flags.ts'

/** Flags of the commands that look at servers. */
export interface ClusterFlags extends Omit<ServerFlags, 'connectTimeout' | 'sessionTimeout'> {
  readonly timeout: number
  readonly json?: true
  readonly ensemble?: true
  readonly config?: string
}

const TIMEOUT_MS = 5000
const SESSION_MS = 15_000

export function addClusterFlags(command: Command): Command {
  return addIdentityFlags(
    addServersFlag(command)
      .option('--config <zoo.cfg>', 'all servers that this file lists, in place of --servers')
      .option('-t, --timeout <ms>', 'how long a server may take to answer', readMs, TIMEOUT_MS)
      .option('--json', 'print one JSON document'),
  ).helpOption('-h, --help', 'print this help')
}

export function addEnsembleFlag(command: Command): Command {
  return command.option('-e, --ensemble', 'find all servers of the ensemble from those given')
}

/** @throws ClusterError, ConfigError when the file of `--config` cannot be used */
export function surveyOptions(flags: ClusterFlags): SurveyOptions {
  return {
    servers: flags.servers,
    reach: reachOf(flags),
    connection: connectOptions(timed(flags)),
    isWhole: flags.ensemble === true,
    list: flags.config === undefined ? null : readList(flags.config),
  }
}

export function reachOf(flags: ClusterFlags): Reach {
  const { tls } = connectOptions(timed(flags))
  const network = tls === undefined ? clientNetwork : tlsNetwork(tls)
  return { network, timeoutMs: flags.timeout }
}

function timed(flags: ClusterFlags): ServerFlags {
  return { ...flags, connectTimeout: flags.timeout, sessionTimeout: SESSION_MS }
}

function readList(file: string): EnsembleList {
  const list = listFromZooCfg(readText(file), (dynamic) =>
    readText(path.resolve(path.dirname(file), dynamic)),
  )
  if (list !== null) return list
  throw new ClusterError(`${file} lists no servers (server.N=): name them with --servers`)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(file, null, '', `cannot be read: ${(error as Error).message}`)
  }
}

/** Ends the process with the code that `work` gives, or with one that fits its failure. */
export function runToExit(work: () => Promise<number>): void {
  // Who reads the output may go away, as `head` does.
  process.stdout.on('error', () => process.exit(EXIT.ok.code))
  work().then(
    (code) => {
      process.exitCode = code
      // What was printed goes out first; nothing that is still open keeps the process.
      process.stdout.write('', () => process.exit(code))
    },
    (error: unknown) => {
      const isExpected = error instanceof ZkError || error instanceof ClusterError
      const isUsage = error instanceof InvalidArgumentError || error instanceof ConfigError
      if (isExpected || isUsage) {
        say((error as Error).message)
        process.exit(isUsage ? EXIT.usage.code : EXIT.failure.code)
      }
      say(error instanceof Error ? (error.stack ?? error.message) : String(error))
      process.exit(EXIT_PROGRAM_FAILURE)
    },
  )
}

/** One document and a line feed. */
export function printJson(document: object): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

/** Of the commands here. */
export const CLUSTER_EXIT_CODES = `Exit codes:
  0   all is well
  1   something is wrong, or no server could be asked
  2   wrong arguments`
