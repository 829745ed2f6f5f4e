import type { Connection, ConnectionHandler } from '../env/index.ts'

/** For a connection of which nothing more is expected. */
export const IGNORE: ConnectionHandler = {
  onBytes: () => {},
  onDrain: () => {},
  onEnd: () => {},
  onClose: () => {},
}

/** Cuts a connection that nobody wants. */
export function refuse(socket: Connection): ConnectionHandler {
  socket.destroy()
  return IGNORE
}
