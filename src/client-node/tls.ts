import { isIP } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type SecureContext } from 'node:tls'
import { type ClientNetwork, InvalidArgumentError } from '../client/index.ts'
import { toIoError } from '../platform/sockets/index.ts'
import { openInto } from './open-into.ts'

/**
 * What Node's `tls.connect` takes, e.g. `ca`, `cert`, `key`, `servername`, `minVersion`. A server's certificate must be
 * good for the name in the connection string unless `servername` or `checkServerIdentity` says otherwise.
 */
export type TlsOptions = Omit<
  ConnectionOptions,
  'allowHalfOpen' | 'host' | 'path' | 'port' | 'socket' | 'timeout'
>

/** `true`: the certificate authorities that Node knows. A function is called for every attempt to connect. */
export type Tls = TlsOptions | true | (() => TlsOptions)

/** TLS over TCP. @throws InvalidArgumentError for keys and certificates that cannot be read */
export function tlsNetwork(tls: Tls): ClientNetwork {
  const current = reader(tls)
  return {
    connect: (address, handler, signal) => {
      let options: TlsOptions
      try {
        options = current()
      } catch (error) {
        const failure = toIoError(error, 'the TLS options cannot be had')
        process.nextTick(() => handler.onError(failure))
        return
      }
      // An address has no place in the handshake's name; the certificate is compared with it all the same.
      const servername = options.servername ?? (isIP(address.host) === 0 ? address.host : '')
      openInto(handler, address, signal, 'secureConnect', (socketOptions) => {
        const socket = connect({ ...options, ...socketOptions, servername })
        socket.setNoDelay(true)
        return socket
      })
    },
  }
}

/** What gives the options of the next attempt. Keys and certificates that do not change are read once. */
function reader(tls: Tls): () => TlsOptions {
  if (typeof tls === 'function') return tls
  const options = tls === true ? {} : tls
  if (options === null || typeof options !== 'object') throw bad(`is ${String(tls)}`)
  const secureContext = options.secureContext ?? contextOf(options)
  return () => ({ ...options, secureContext })
}

function contextOf(options: TlsOptions): SecureContext {
  try {
    return createSecureContext(options)
  } catch (error) {
    throw bad(`cannot be used: ${(error as Error).message}`, error)
  }
}

function bad(problem: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError('INVALID_ARGUMENT', `option tls ${problem}`, {
    op: 'connect',
    cause,
  })
}
