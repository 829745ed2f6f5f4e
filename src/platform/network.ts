import { connect } from 'node:net'
import type {
  Address,
  ConnectHandler,
  ListenHandler,
  ListenOptions,
  Logger,
  Network,
} from '../env/index.ts'
import { IoError } from '../env/index.ts'
import { formatAddress } from './addresses.ts'
import { toIoError } from './errors.ts'
import { NameLookups } from './name-lookups.ts'
import { TcpConnection } from './tcp-connection.ts'
import { TcpListener } from './tcp-listener.ts'

/** A name with several addresses is tried one address after another, each this long. */
const ATTEMPT_LIMIT_MS = 1_000

const lookups = new NameLookups()

/** TCP through `node:net`. */
export class TcpNetwork implements Network {
  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  listen(address: Address, options: ListenOptions, handler: ListenHandler): void {
    if (!isPort(address.port)) {
      const error = new IoError(
        'EINVAL',
        `cannot listen on ${formatAddress(address)}: no such port`,
      )
      setImmediate(() => handler.onError(error))
      return
    }
    new TcpListener(address, options, handler, this.#logger).start()
  }

  connect(address: Address, handler: ConnectHandler): void {
    if (!isPort(address.port)) {
      const error = new IoError(
        'EINVAL',
        `cannot connect to ${formatAddress(address)}: no such port`,
      )
      setImmediate(() => handler.onError(error))
      return
    }
    const socket = connect({
      host: address.host === '' ? 'localhost' : address.host,
      port: address.port,
      allowHalfOpen: true,
      noDelay: true,
      lookup: lookups.lookup,
      autoSelectFamilyAttemptTimeout: ATTEMPT_LIMIT_MS,
    })
    const onError = (error: Error): void => {
      handler.onError(toIoError(error, `cannot connect to ${formatAddress(address)}`))
    }
    socket.once('error', onError)
    socket.once('connect', () => {
      socket.removeListener('error', onError)
      const connection = new TcpConnection(socket)
      connection.attach(handler.onOpen(connection))
    })
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535
}
