import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type {
  Connection,
  ConnectionHandler,
  IoError,
  Listener,
  ListenOptions,
} from '../../src/env/index.ts'
import type { OpenStage, Stage } from './stage.ts'
import { bytes, text } from './stage.ts'

/** One end of a connection with everything that happened to it. */
class Side implements ConnectionHandler {
  readonly events: string[] = []
  received = ''
  drains = 0
  error: IoError | null = null
  isClosed = false
  onChunk: (chunk: Uint8Array) => void = () => {}
  #connection: Connection | null = null
  #isInCall = false

  get connection(): Connection {
    if (this.#connection === null) throw new Error('not connected')
    return this.#connection
  }

  get isOpen(): boolean {
    return this.#connection !== null
  }

  /** Hands every call through and notes when one is under way. */
  bind(connection: Connection): this {
    const call = <T>(run: () => T): T => {
      const wasInCall = this.#isInCall
      this.#isInCall = true
      const result = run()
      this.#isInCall = wasInCall
      return result
    }
    this.#connection = {
      remote: connection.remote,
      local: connection.local,
      get bufferedBytes() {
        return connection.bufferedBytes
      },
      write: (chunk) => call(() => connection.write(chunk)),
      pause: () => call(() => connection.pause()),
      resume: () => call(() => connection.resume()),
      keepAlive: (idleMs) => call(() => connection.keepAlive(idleMs)),
      end: () => call(() => connection.end()),
      destroy: () => call(() => connection.destroy()),
    }
    return this
  }

  onBytes(chunk: Uint8Array): void {
    this.#note('bytes')
    if (chunk.length === 0) throw new Error('an empty chunk')
    this.received += text(chunk)
    this.onChunk(chunk)
  }

  onDrain(): void {
    this.#note('drain')
    if (this.connection.bufferedBytes !== 0) throw new Error('onDrain before everything was taken')
    this.drains += 1
  }

  onEnd(): void {
    this.#note('end')
  }

  onClose(error: IoError | null): void {
    this.#note('close')
    this.isClosed = true
    this.error = error
  }

  #note(event: string): void {
    if (this.#isInCall) throw new Error(`${event} inside a call to the connection`)
    if (this.isClosed) throw new Error(`${event} after close`)
    this.events.push(event)
  }
}

/** What every implementation of `Network` does. */
export function networkContract(world: string, openStage: OpenStage): void {
  describe(`network: ${world}`, () => {
    let stage: Stage
    let listeners: Listener[]
    let sides: Side[]
    beforeEach(() => {
      stage = openStage()
      listeners = []
      sides = []
    })
    afterEach(async () => {
      let open = listeners.length
      for (const listener of listeners) {
        listener.close(() => {
          open -= 1
        })
      }
      for (const side of sides) if (!side.isClosed) side.connection.destroy()
      await stage.until(() => open === 0 && sides.every((side) => side.isClosed))
      stage.close()
    })

    /** Listens; every accepted connection becomes a side in `accepted`. */
    const listen = async (options: ListenOptions = {}, host = ''): Promise<[Listener, Side[]]> => {
      const accepted: Side[] = []
      const bound: Listener[] = []
      stage.env.network.listen({ host, port: 0 }, options, {
        onListening: (listener) => bound.push(listener),
        onConnection: (connection) => {
          const side = new Side().bind(connection)
          accepted.push(side)
          sides.push(side)
          return side
        },
        onError: (error) => {
          throw error
        },
      })
      expect(bound).toEqual([])
      await stage.until(() => bound.length === 1)
      listeners.push(bound[0]!)
      return [bound[0]!, accepted]
    }

    const connectTo = async (port: number): Promise<Side> => {
      const side = new Side()
      let failure: IoError | null = null
      stage.env.network.connect(
        { host: stage.host, port },
        {
          onOpen: (connection) => side.bind(connection),
          onError: (error) => {
            failure = error
          },
        },
      )
      expect(side.isOpen).toBe(false)
      await stage.until(() => side.isOpen || failure !== null)
      if (failure !== null) throw failure
      sides.push(side)
      return side
    }

    const pair = async (): Promise<[Side, Side]> => {
      const [listener, accepted] = await listen()
      const client = await connectTo(listener.address.port)
      await stage.until(() => accepted.length === 1)
      return [client, accepted[0]!]
    }

    const connectError = async (host: string, port: number): Promise<IoError> => {
      let failure: IoError | null = null
      stage.env.network.connect(
        { host, port },
        {
          onOpen: () => {
            throw new Error('connected')
          },
          onError: (error) => {
            failure = error
          },
        },
      )
      expect(failure).toBe(null)
      await stage.until(() => failure !== null)
      return failure!
    }

    test('both ends know both addresses, in plain form', async () => {
      const [listener, accepted] = await listen({ keepAlive: true, backlog: 16 })
      const client = await connectTo(listener.address.port)
      await stage.until(() => accepted.length === 1)
      const server = accepted[0]!
      expect(listener.address.port).toBeGreaterThan(0)
      expect(client.connection.remote).toEqual({ host: stage.host, port: listener.address.port })
      expect(client.connection.local.host).toBe(stage.host)
      expect(server.connection.local).toEqual(client.connection.remote)
      expect(server.connection.remote).toEqual(client.connection.local)
    })

    test('bytes written in onConnection and onOpen arrive', async () => {
      const events: string[] = []
      const received = { client: '', server: '' }
      const handler = (name: 'client' | 'server'): ConnectionHandler => ({
        onBytes: (chunk) => {
          events.push('bytes')
          received[name] += text(chunk)
        },
        onDrain: () => {},
        onEnd: () => {},
        onClose: () => events.push(`${name} closed`),
      })
      const ends: Connection[] = []
      stage.env.network.listen(
        { host: '', port: 0 },
        {},
        {
          onListening: (listener) => {
            listeners.push(listener)
            stage.env.network.connect(
              { host: stage.host, port: listener.address.port },
              {
                onOpen: (connection) => {
                  events.push('open')
                  ends.push(connection)
                  connection.write(bytes('question'))
                  return handler('client')
                },
                onError: (error) => events.push(error.message),
              },
            )
          },
          onConnection: (connection) => {
            ends.push(connection)
            connection.write(bytes('welcome'))
            return handler('server')
          },
          onError: (error) => events.push(error.message),
        },
      )
      await stage.until(() => received.client === 'welcome' && received.server === 'question')
      expect(events[0]).toBe('open')
      for (const end of ends) end.destroy()
      await stage.until(() => events.filter((event) => event.endsWith('closed')).length === 2)
    })

    test('a stream arrives complete and in order, both ways at once', async () => {
      const [client, server] = await pair()
      const total = 600_000
      const expected = (salt: number): string => {
        let result = ''
        for (let i = 0; i < total; i += 1) result += String.fromCharCode((i * salt) & 0xff)
        return result
      }
      const pump = (side: Side, content: string): void => {
        let sent = 0
        const buffer = new Uint8Array(70_000)
        const step = (): void => {
          while (sent < total && side.connection.bufferedBytes === 0) {
            const length = Math.min(1 + ((sent * 7) % 69_999), total - sent)
            buffer.set(bytes(content.slice(sent, sent + length)))
            side.connection.write(buffer.subarray(0, length))
            sent += length
            // The bytes belong to the caller again only when everything has been taken.
            if (side.connection.bufferedBytes === 0) buffer.fill(0)
          }
          if (sent < total) stage.env.timers.at(stage.env.clock.monotonicMs() + 1, step)
        }
        step()
      }
      pump(client, expected(3))
      pump(server, expected(5))
      await stage.until(() => client.received.length >= total && server.received.length >= total)
      expect(server.received === expected(3)).toBe(true)
      expect(client.received === expected(5)).toBe(true)
    })

    test('a small write is taken at once and causes no onDrain', async () => {
      const [client, server] = await pair()
      expect(client.connection.write(bytes('hello'))).toBe(true)
      expect(client.connection.bufferedBytes).toBe(0)
      expect(client.connection.write(new Uint8Array(0))).toBe(true)
      await stage.until(() => server.received === 'hello')
      await stage.settle()
      expect(client.events).toEqual([])
    })

    test('a paused receiver gets nothing, its sender is told to wait and then to go on', async () => {
      const [client, server] = await pair()
      server.connection.pause()
      const chunk = new Uint8Array(256 * 1024).fill(0x61)
      let sent = 0
      let mayGoOn = true
      while (mayGoOn && sent < 100) {
        mayGoOn = client.connection.write(chunk)
        sent += 1
        await stage.settle()
      }
      expect(mayGoOn).toBe(false)
      expect(client.connection.bufferedBytes).toBeGreaterThan(0)
      expect(server.received).toBe('')
      expect(client.drains).toBe(0)
      server.connection.resume()
      await stage.until(() => client.drains === 1 && server.received.length === sent * chunk.length)
      expect(client.connection.bufferedBytes).toBe(0)
      expect(client.connection.write(bytes('more'))).toBe(true)
      await stage.until(() => server.received.endsWith('more'))
    })

    test('pause inside onBytes holds everything after it back', async () => {
      const [client, server] = await pair()
      server.onChunk = () => server.connection.pause()
      client.connection.write(new Uint8Array(200_000).fill(0x62))
      await stage.until(() => server.events.length === 1)
      await stage.settle()
      expect(server.events).toEqual(['bytes'])
      for (let i = 0; i < 400_000 && server.received.length < 200_000; i += 1) {
        const before = server.events.length
        server.connection.resume()
        await stage.until(() => server.events.length > before)
        expect(server.events.length).toBe(before + 1)
      }
      expect(server.received.length).toBe(200_000)
    })

    test('pausing and resuming in one call loses nothing and doubles nothing', async () => {
      const [client, server] = await pair()
      server.onChunk = () => {
        server.connection.pause()
        server.connection.resume()
        server.connection.resume()
      }
      const content = Array.from({ length: 20_000 }, (_, i) => String(i)).join()
      client.connection.write(bytes(content))
      await stage.until(() => server.received.length >= content.length)
      expect(server.received).toBe(content)
    })

    test('end sends what is queued; the other side ends too and both close in order', async () => {
      const [client, server] = await pair()
      const content = new Uint8Array(1 << 20).fill(0x63)
      client.connection.write(content)
      client.connection.end()
      expect(client.connection.write(bytes('late'))).toBe(false)
      await stage.until(() => server.events.includes('end'))
      expect(server.received.length).toBe(content.length)
      expect(server.isClosed).toBe(false)
      server.connection.end()
      await stage.until(() => client.isClosed && server.isClosed)
      expect(client.error).toBe(null)
      expect(server.error).toBe(null)
      expect(server.events.slice(-2)).toEqual(['end', 'close'])
      expect(client.events).toEqual(['close'])
    })

    test('after the other side has ended, replies still reach it', async () => {
      const [listener, accepted] = await listen()
      let reply = ''
      let isEnded = false
      stage.env.network.connect(
        { host: stage.host, port: listener.address.port },
        {
          onOpen: (connection) => {
            connection.write(bytes('ask'))
            return {
              onBytes: (chunk) => {
                reply += text(chunk)
              },
              onDrain: () => {},
              onEnd: () => {
                isEnded = true
                connection.end()
              },
              onClose: () => {},
            }
          },
          onError: () => {},
        },
      )
      await stage.until(() => accepted[0]?.received === 'ask')
      accepted[0]!.connection.write(bytes('answer'))
      accepted[0]!.connection.end()
      await stage.until(() => isEnded && accepted[0]!.isClosed)
      expect(reply).toBe('answer')
      expect(accepted[0]!.error).toBe(null)
    })

    test('the last reply reaches a sender whose bytes nobody reads', async () => {
      const [client, server] = await pair()
      server.connection.pause()
      client.connection.write(new Uint8Array(150_000).fill(0x64))
      await stage.settle()
      server.connection.write(bytes('refused'))
      server.connection.end()
      await stage.until(() => client.events.includes('end'))
      expect(client.received).toBe('refused')
      client.connection.end()
      await stage.until(() => server.isClosed)
      expect(server.error).toBe(null)
      expect(server.received).toBe('')
    })

    test('an ended connection is cut when the other side does not end', async () => {
      const [client, server] = await pair()
      server.connection.end()
      server.connection.end()
      // After a standstill the cut may be due before the end has been read.
      await stage.until(() => server.isClosed && client.events.length > 0)
      expect(server.error).toBe(null)
      expect(client.events).toEqual(['end'])
    })

    test('destroy closes once, without an error, and the other side notices', async () => {
      const [client, server] = await pair()
      client.connection.destroy()
      client.connection.destroy()
      expect(client.connection.write(bytes('late'))).toBe(false)
      await stage.until(() => client.isClosed)
      expect(client.error).toBe(null)
      expect(client.connection.bufferedBytes).toBe(0)
      await stage.until(() => server.events.includes('end') || server.isClosed)
      server.connection.destroy()
      await stage.until(() => server.isClosed)
      // Calls on a closed connection do nothing.
      for (const side of [client, server]) {
        side.connection.pause()
        side.connection.resume()
        side.connection.end()
        side.connection.destroy()
        expect(side.connection.write(bytes('x'))).toBe(false)
      }
    })

    test('destroy drops what is queued', async () => {
      const [client, server] = await pair()
      server.connection.pause()
      for (let i = 0; i < 40; i += 1) client.connection.write(new Uint8Array(256 * 1024))
      expect(client.connection.bufferedBytes).toBeGreaterThan(0)
      client.connection.destroy()
      await stage.until(() => client.isClosed)
      expect(client.connection.bufferedBytes).toBe(0)
      expect(client.drains).toBe(0)
    })

    test('destroy inside onBytes: nothing but onClose follows', async () => {
      const [client, server] = await pair()
      server.onChunk = () => server.connection.destroy()
      for (let i = 0; i < 10; i += 1) client.connection.write(new Uint8Array(10_000).fill(0x65))
      await stage.until(() => server.isClosed)
      await stage.settle()
      expect(server.events).toEqual(['bytes', 'close'])
    })

    test('writing to a side that is gone ends in onClose with an error', async () => {
      const [client, server] = await pair()
      server.connection.destroy()
      await stage.until(() => server.isClosed)
      for (let i = 0; i < 1000 && !client.isClosed; i += 1) {
        client.connection.write(bytes('anybody?'))
        await stage.settle()
      }
      expect(client.isClosed).toBe(true)
      expect(['ECONNRESET', 'EPIPE']).toContain(client.error?.code)
    })

    test('a port has one listener, and nobody listens after close', async () => {
      const [listener, accepted] = await listen()
      const { port } = listener.address
      let failure: IoError | null = null
      stage.env.network.listen(
        { host: '', port },
        {},
        {
          onListening: () => {
            throw new Error('bound twice')
          },
          onConnection: () => {
            throw new Error('unexpected')
          },
          onError: (error) => {
            failure = error
          },
        },
      )
      await stage.until(() => failure !== null)
      expect(failure).toMatchObject({ name: 'IoError', code: 'EADDRINUSE' })
      const client = await connectTo(port)
      await stage.until(() => accepted.length === 1)
      let isClosed = false
      listener.close(() => {
        isClosed = true
      })
      expect(isClosed).toBe(false)
      await stage.until(() => isClosed)
      listeners.pop()
      expect((await connectError(stage.host, port)).code).toBe('ECONNREFUSED')
      // Open connections stay.
      client.connection.write(bytes('still there?'))
      await stage.until(() => accepted[0]!.received === 'still there?')
    })

    test('what cannot be reached is an error, not an exception', async () => {
      const [listener] = await listen()
      const refused = await connectError(stage.host, listener.address.port === 1 ? 2 : 1)
      expect(refused).toMatchObject({ name: 'IoError', code: 'ECONNREFUSED' })
      expect(refused.message).toContain(stage.host)
      expect((await connectError(stage.host, 70_000)).code).toBe('EINVAL')
    })
  })
}
