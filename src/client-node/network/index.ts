/** The ways to a server's client port, for programs that say other things there than a client does. */
export { clientNetwork } from '../tcp.ts'
export { tlsNetwork } from '../tls.ts'
