import { createSocket, type Socket } from 'node:dgram'
import { createServer } from 'node:net'

/**
 * Below the ports that the system gives out by itself, to outgoing connections and to listeners on port 0 (from 32768
 * on Linux, from 49152 elsewhere), and above most of the well-known ones.
 */
const FIRST = 10_000
const COUNT = 22_000

/**
 * A port of TCP that nobody listens on is only free until somebody else finds it free, too: before the server that it
 * is for has started, or while that server is down in the middle of a test. So each port that was given out is claimed
 * for as long as this process lives by the UDP port of the same number, which one process at a time can hold.
 */
const claims: Socket[] = []

let next = Math.floor(Math.random() * COUNT)

/** A port nobody listens on, and that no other process is given while this one lives. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries++) {
    const port = FIRST + (next++ % COUNT)
    const claim = await claimed(port)
    if (claim === null) continue
    if (await listensNobody(port)) {
      claims.push(claim)
      return port
    }
    claim.close()
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT - 1} is free`)
}

/** So many of them, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  return await Promise.all(Array.from({ length: count }, freePort))
}

async function claimed(port: number): Promise<Socket | null> {
  return await new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.unref()
    socket.once('error', () => {
      socket.close()
      resolve(null)
    })
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(socket))
  })
}

async function listensNobody(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      probe.close(() => resolve(true))
    })
  })
}
