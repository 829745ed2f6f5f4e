import { connect } from 'node:net'
import type { ClientNetwork } from '../client/index.ts'
import { type Address, type ConnectHandler, IoError } from '../env/index.ts'
import { TcpConnection, toIoError } from '../platform/sockets/index.ts'

/** A name with several addresses is tried one address after another, each this long. */
const ATTEMPT_LIMIT_MS = 1000

/** TCP for a client. The name of a server is looked up anew for every attempt. */
export const clientNetwork: ClientNetwork = {
  connect: (address: Address, handler: ConnectHandler, signal: AbortSignal) => {
    const socket = connect({
      host: address.host,
      port: address.port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      autoSelectFamilyAttemptTimeout: ATTEMPT_LIMIT_MS,
    })
    const onError = (error: Error): void => {
      handler.onError(toIoError(error, `cannot connect to ${address.host}:${address.port}`))
    }
    const giveUp = (): void => {
      socket.destroy(new IoError('ECANCELED', 'nobody waits for the connection any more'))
    }
    socket.once('error', onError)
    socket.once('close', () => signal.removeEventListener('abort', giveUp))
    socket.once('connect', () => {
      signal.removeEventListener('abort', giveUp)
      socket.removeListener('error', onError)
      const connection = new TcpConnection(socket)
      connection.attach(handler.onOpen(connection))
    })
    signal.addEventListener('abort', giveUp)
  },
}
