import type { Socket } from 'node:net'
import { type Address, type ConnectHandler, IoError } from '../env/index.ts'
import { TcpConnection, toIoError } from '../platform/sockets/index.ts'

/** A name with several addresses is tried one address after another, each this long. */
const ATTEMPT_LIMIT_MS = 1000

/** What every connection of a client is made with. */
export interface SocketOptions extends Address {
  readonly allowHalfOpen: true
  readonly noDelay: true
  readonly keepAlive: true
  readonly autoSelectFamilyAttemptTimeout: number
}

/**
 * Begins a connection and hands it over once it is ready.
 * @param readyEvent of the socket, e.g. `secureConnect`
 */
export function openInto(
  handler: ConnectHandler,
  address: Address,
  signal: AbortSignal,
  readyEvent: string,
  open: (options: SocketOptions) => Socket,
): void {
  const { host, port } = address
  const socket = open({
    host,
    port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_LIMIT_MS,
  })
  const onError = (error: Error): void => {
    handler.onError(toIoError(error, `cannot connect to ${host}:${port}`))
  }
  const giveUp = (): void => {
    socket.destroy(new IoError('ECANCELED', 'nobody waits for the connection any more'))
  }
  socket.once('error', onError)
  socket.once('close', () => signal.removeEventListener('abort', giveUp))
  socket.once(readyEvent, () => {
    signal.removeEventListener('abort', giveUp)
    socket.removeListener('error', onError)
    const connection = new TcpConnection(socket)
    connection.attach(handler.onOpen(connection))
  })
  signal.addEventListener('abort', giveUp)
}
