import { once } from 'node:events'
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net'

/** Passes bytes on until it cuts the connections. */
export class CuttableProxy {
  readonly port: number
  readonly #server: Server
  readonly #sockets: Set<Socket>

  constructor(server: Server, sockets: Set<Socket>) {
    this.port = (server.address() as { port: number }).port
    this.#server = server
    this.#sockets = sockets
  }

  static async open(target: number): Promise<CuttableProxy> {
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      const far = openSocket(target, '127.0.0.1')
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => {
          sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far).pipe(near)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new CuttableProxy(server, sockets)
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.cut()
    this.#server.close()
  }
}
