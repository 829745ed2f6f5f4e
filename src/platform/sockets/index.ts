/** What a client needs of the operating system. Nothing here loads a package. */
export { formatAddress } from '../addresses.ts'
export { systemClock, systemTimers } from '../clock.ts'
export { toIoError } from '../errors.ts'
export { SystemRandom } from '../random.ts'
export { TcpConnection } from '../tcp-connection.ts'
