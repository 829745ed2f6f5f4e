import { statSync } from 'node:fs'
import path from 'node:path'
import { createFourLetterWords } from '../admin/index.ts'
import type { Config, EnsembleConfig } from '../config/index.ts'
import { ConfigError } from '../config/index.ts'
import type { IoError } from '../env/index.ts'
import { ElectionPortError } from '../peer/index.ts'
import type { LogFormat, LogLevel, Platform } from '../platform/index.ts'
import {
  exitFatally,
  exitOnProgramFailure,
  onStopSignal,
  openPlatform,
  restrainCollector,
} from '../platform/index.ts'
import { readProcess, watchCollections } from '../platform/process/index.ts'
import { KeeperServer } from '../server/index.ts'
import { StorageError } from '../storage/index.ts'
import { readAdminToken } from './admin-token.ts'
import { type BannerFacts, bannerFields, bannerText } from './banner.ts'
import { type ConfigRequest, requestedFile, requestedProperties } from './config-request.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { type LoadedConfig, loadConfig } from './load-config.ts'
import { MemoryWatch, readHeap } from './memory-watch.ts'
import { onNpmParentGone } from './npm-parent.ts'
import { OperatorFiles } from './operator-files.ts'
import { openOperatorPorts } from './operator-ports.ts'
import { exitCodeOfStorage } from './storage-exit-code.ts'

export interface ServeOptions {
  readonly config: ConfigRequest
  readonly logFormat: LogFormat
  /** Undefined for the one of the configuration. */
  readonly logLevel: LogLevel | undefined
}

/** Runs a server until a signal or a fault ends it, then ends the process with one of {@link EXIT}. */
export function serve(options: ServeOptions): void {
  const { config, warnings, notes, file, token } = loadOrExit(options.config)
  const level = options.logLevel ?? config.logLevel
  const platform = openPlatform({ log: { format: options.logFormat, level } })
  const { logger } = platform
  exitOnProgramFailure(logger)
  restrainCollector()
  watchCollections()
  for (const note of notes) logger.info(note)
  for (const warning of warnings) logger.warn(warning)
  for (const folder of new Set([config.dataDir, config.dataLogDir])) {
    const fault = folderFault(folder, config.createDataDir)
    if (fault === null) continue
    exitFatally(logger, EXIT.dataFolder.code, 'the server cannot start', new Error(fault))
  }
  const startedMs = platform.clock.monotonicMs()
  const files = new OperatorFiles(platform, config)
  const words = createFourLetterWords(config.fourLetterWhitelist, readProcess)
  const server = new KeeperServer(
    platform,
    { config, fourLetterWords: words, metrics: platform.metrics, ...files.auditOptions },
    {
      onServing: () => {
        const facts: BannerFacts = {
          status: server.status(),
          recovery: server.recovery!,
          startMs: platform.clock.monotonicMs() - startedMs,
          pid: process.pid,
          clientHost: config.clientHost,
          ensemble: config.ensemble,
          configFile: file === undefined ? null : path.resolve(file),
        }
        announce(platform, options.logFormat, facts)
        server.auditor?.serverStarted()
      },
      onFatal: (error) => {
        const title =
          server.recovery === null ? 'the server cannot start' : 'the server has to stop'
        if (server.recovery === null) server.auditor?.serverStartFailed()
        files.flushNow(server.recovery !== null)
        exitFatally(logger, exitCodeOf(error).code, title, describeFault(error, config))
      },
    },
  )
  let isStopping = false
  const stop = (reason: string): void => {
    if (isStopping) return
    isStopping = true
    logger.info('stopping', { reason })
    server.auditor?.serverStopping()
    server.stop((error) => {
      if (error !== null) {
        files.flushNow(true)
        exitFatally(logger, exitCodeOf(error).code, 'the stop was not clean', error)
      }
      void files.close().finally(() => {
        logger.info('stopped', { zxid: server.status().lastProcessedZxid })
        process.exit(EXIT.ok.code)
      })
    })
  }
  onStopSignal(stop)
  onNpmParentGone(() => stop('npm has ended'))
  openOperatorPorts(server, platform, {
    config,
    token,
    file,
    onOpen: (name, { host, port }) => logger.info(`${name} is listening`, { host, port }),
  })
  files.attachTo(server.events)
  new MemoryWatch(readHeap, server.events, logger).start()
  server.start()
}

/** What a start begins with. */
interface StartFiles extends LoadedConfig {
  readonly file: string | undefined
  readonly token: string | null
}

function loadOrExit(request: ConfigRequest): StartFiles {
  try {
    const file = requestedFile(request, process.env)
    const properties = requestedProperties(request, process.env)
    const loaded = loadConfig(file, request.overrides, properties)
    return { ...loaded, file, token: readAdminToken(loaded.config.admin) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`zabkeeper: ${error.message}\n`)
    process.exit(EXIT.usage.code)
  }
}

/** What speaks against a data folder before it is opened. */
function folderFault(folder: string, mayCreate: boolean): string | null {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found === undefined) {
    return mayCreate
      ? null
      : `the data folder ${folder} does not exist, and datadir.autocreate=false forbids to create it`
  }
  return found.isDirectory() ? null : `${folder} is to be the data folder, but it is a file`
}

function announce({ logger }: Platform, format: LogFormat, facts: BannerFacts): void {
  if (format === 'text') process.stdout.write(bannerText(facts))
  // A member of an ensemble serves once there is a leader, which is a line of its own.
  else logger.info(facts.ensemble === null ? 'serving' : 'listening', bannerFields(facts))
}

function exitCodeOf(error: StorageError | IoError): ExitCode {
  if (error instanceof StorageError) return exitCodeOfStorage(error)
  return error instanceof ElectionPortError ? EXIT.electionPort : EXIT.failure
}

/** Storage says what to do by itself; for the ports it is said here. */
function describeFault(error: StorageError | IoError, config: Config): Error {
  if (error instanceof StorageError) return error
  if (config.ensemble !== null) return describeMemberFault(error, config.ensemble)
  if (error.code !== 'EADDRINUSE') return error
  return new Error(
    `port ${config.clientPort} is taken by another process; stop that one, or choose another port ` +
      'with --port or clientPort',
  )
}

/** It has three ports, and the error names the one. Its own name in the list may be known to the others only. */
function describeMemberFault(error: IoError, ensemble: EnsembleConfig): Error {
  const isNotOurs = error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'
  if (!isNotOurs || ensemble.listensOnAllAddresses) return error
  return new Error(
    `${error.message}. If it is the host of server.${ensemble.self} as the other servers know it, ` +
      'quorumListenOnAllIPs=true lets this one listen on all interfaces',
  )
}
