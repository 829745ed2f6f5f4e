import { connect } from 'node:net'
import type { ClientNetwork } from '../client/index.ts'
import { openInto } from './open-into.ts'

/** TCP for a client. The name of a server is looked up anew for every attempt. */
export const clientNetwork: ClientNetwork = {
  connect: (address, handler, signal) => {
    openInto(handler, address, signal, 'connect', (options) => connect(options))
  },
}
