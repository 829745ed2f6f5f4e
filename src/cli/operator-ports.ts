import { readFileSync } from 'node:fs'
import { AdminServer, MetricsServer } from '../admin-http/index.ts'
import type { Config } from '../config/index.ts'
import type { Address } from '../env/index.ts'
import type { Platform } from '../platform/index.ts'
import { readProcess } from '../platform/process/index.ts'
import type { KeeperServer } from '../server/index.ts'

/** What the ports of a server's operator are made from. */
export interface OperatorPortsOptions {
  readonly config: Config
  readonly token: string | null
  /** Path of the configuration file; undefined for none. */
  readonly file: string | undefined
  /** Called once each port is bound that could be. */
  readonly onOpen: (name: 'admin server' | 'metrics port', address: Address) => void
}

/** Opens what the configuration asks for: the HTTP admin server, and the port of the Prometheus provider. */
export function openOperatorPorts(
  server: KeeperServer,
  platform: Platform,
  options: OperatorPortsOptions,
): void {
  const { config, onOpen } = options
  const { admin, metricsProvider } = config
  const { logger, clock, metrics } = platform
  const { exportsProcessFigures } = metricsProvider
  if (admin.isEnabled) {
    const port = new AdminServer(server, {
      config: admin,
      token: options.token,
      dataDir: config.dataDir,
      diskFreeBytesMin: config.limits.diskFreeBytesMin,
      exportsProcessFigures,
      start: { configText: readText(options.file), timeZone: timeZone() },
      readProcess,
      logger,
      clock,
      metrics,
    })
    void port.open().then((address) => {
      if (address !== null) onOpen('admin server', address)
    })
  }
  if (metricsProvider.kind === 'prometheus') {
    const source = { status: () => server.status(), readProcess, exportsProcessFigures }
    const port = new MetricsServer(metricsProvider, source, logger)
    void port.open().then((address) => {
      if (address !== null) onOpen('metrics port', address)
    })
  }
}

/** It was read a moment ago; should it have gone since, nobody needs to know. */
function readText(file: string | undefined): string | null {
  try {
    return file === undefined ? null : readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function timeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}
