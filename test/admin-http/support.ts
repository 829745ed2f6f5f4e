import { connect } from 'node:net'
import { AdminServer, type AdminTarget } from '../../src/admin-http/index.ts'
import { type AdminConfig, defaultConfig } from '../../src/config/index.ts'
import { type LogFields, type Logger, MemoryMetrics } from '../../src/env/index.ts'
import { readProcess } from '../../src/platform/process/index.ts'
import { systemClock } from '../../src/platform/sockets/index.ts'
import type { ServerStatus } from '../../src/server/index.ts'
import { exampleStatus } from '../admin/example-status.ts'

export const TOKEN = 'a-token-of-a-test-0123456789'

/** Keeps what it is told. */
export class KeptLog implements Logger {
  readonly lines: {
    readonly level: string
    readonly message: string
    readonly fields: LogFields
  }[] = []

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields })
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields })
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields })
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields })
  }
}

export interface OpenAdmin {
  readonly port: number
  readonly url: string
  readonly log: KeptLog
  readonly metrics: MemoryMetrics
  close(): void
}

/** Opens an admin server on a free port of the loopback interface. */
export async function openAdmin(
  target: AdminTarget,
  changes: Partial<AdminConfig> = {},
  token: string | null = TOKEN,
  dataDir = '/nonexistent',
): Promise<OpenAdmin> {
  const log = new KeptLog()
  const metrics = new MemoryMetrics()
  const admin = new AdminServer(target, {
    config: { ...defaultConfig().admin, port: 0, ...changes },
    token,
    dataDir,
    diskFreeBytesMin: 0,
    exportsProcessFigures: true,
    start: { configText: 'tickTime=2000\n', timeZone: 'Etc/UTC' },
    readProcess,
    logger: log,
    clock: systemClock,
    metrics,
  })
  const address = await admin.open()
  if (address === null) throw new Error('the admin server does not listen')
  const { port } = address
  return { port, url: `http://127.0.0.1:${port}`, log, metrics, close: () => admin.close() }
}

/** A server of which only its status is asked. */
export function targetOf(status: ServerStatus = exampleStatus()): AdminTarget {
  return { status: () => status } as AdminTarget
}

/** Sends bytes and gives all that comes until the other side ends. */
export function exchange(port: number, ...pieces: readonly (Buffer | string)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => {
      for (const piece of pieces) socket.write(piece)
    })
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // What it sends on is of no interest to a server that has said no.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
  })
}
