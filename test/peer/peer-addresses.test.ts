import { beforeEach, describe, expect, test } from 'vitest'
import type {
  Address,
  ConnectHandler,
  Connection,
  IoError,
  Listener,
  ListenHandler,
  Network,
} from '../../src/env/index.ts'
import { Listeners } from '../../src/peer/listeners.ts'
import { PeerAddresses } from '../../src/peer/peer-addresses.ts'
import { SimDisk, type SimEnvironment, SimWorld } from '../../src/sim/index.ts'

const REFUSED = { code: 'ECONNREFUSED', message: 'refused' } as IoError
const ALL: readonly Address[] = ['a', 'b', 'c'].map((host) => ({ host, port: 1 }))
const IGNORE = { onBytes: () => {}, onDrain: () => {}, onEnd: () => {}, onClose: () => {} }

/** Does nothing by itself: the test says what becomes of each attempt. */
class StillNetwork implements Network {
  readonly dials: { readonly host: string; readonly handler: ConnectHandler }[] = []
  readonly listens: { readonly host: string; readonly handler: ListenHandler }[] = []

  connect({ host }: Address, handler: ConnectHandler): void {
    this.dials.push({ host, handler })
  }

  listen({ host }: Address, _: object, handler: ListenHandler): void {
    this.listens.push({ host, handler })
  }

  get dialled(): string[] {
    return this.dials.map(({ host }) => host)
  }
}

class Socket {
  isDestroyed = false
  destroy(): void {
    this.isDestroyed = true
  }
}

let world: SimWorld
let network: StillNetwork
let env: SimEnvironment & { network: Network }
let results: string[]
const handler: ConnectHandler = {
  onOpen: () => {
    results.push('open')
    return IGNORE
  },
  onError: ({ message }) => results.push(message),
}

function open(index: number): Socket {
  const socket = new Socket()
  network.dials[index]!.handler.onOpen(socket as unknown as Connection)
  return socket
}

function runFor(ms: number): void {
  world.events.runUntil(world.nowMs + ms)
}

beforeEach(() => {
  world = new SimWorld(1)
  network = new StillNetwork()
  const process = world.startProcess('10.0.0.1', new SimDisk().open)
  env = Object.assign(Object.create(process), { network })
  results = []
})

describe('a server with several addresses', () => {
  test('is tried at the next one when the first refuses', () => {
    new PeerAddresses(ALL, 1000).connect(env, handler)
    expect(network.dialled).toEqual(['a'])
    network.dials[0]!.handler.onError(REFUSED)
    expect(network.dialled).toEqual(['a', 'b'])
    open(1)
    runFor(10_000)
    expect([network.dialled, results]).toEqual([['a', 'b'], ['open']])
  })

  test('is tried at the next one when the first is silent; who comes second is refused', () => {
    new PeerAddresses(ALL, 1000).connect(env, handler)
    runFor(999)
    expect(network.dialled).toEqual(['a'])
    runFor(1)
    expect(network.dialled).toEqual(['a', 'b'])
    expect(open(0).isDestroyed).toBe(false)
    expect(open(1).isDestroyed).toBe(true)
    network.dials[1]!.handler.onError(REFUSED)
    expect(results).toEqual(['open'])
  })

  test('cannot be reached when all have failed', () => {
    new PeerAddresses(ALL, 1000).connect(env, handler)
    runFor(5000)
    expect(network.dialled).toEqual(['a', 'b', 'c'])
    for (const dial of network.dials.slice(1)) dial.handler.onError(REFUSED)
    expect(results).toEqual([])
    network.dials[0]!.handler.onError({ ...REFUSED, message: 'last' })
    expect(results).toEqual(['last'])
  })

  test('is tried first where it answered last', () => {
    const addresses = new PeerAddresses(ALL, 1000)
    addresses.connect(env, handler)
    network.dials[0]!.handler.onError(REFUSED)
    open(1)
    addresses.connect(env, handler)
    network.dials[2]!.handler.onError(REFUSED)
    network.dials[3]!.handler.onError(REFUSED)
    expect(network.dialled).toEqual(['a', 'b', 'b', 'c', 'a'])
  })

  test('is tried at the next one when where it answered was of no use', () => {
    const addresses = new PeerAddresses(ALL, 1000)
    for (const [index, host] of ['a', 'b', 'c', 'a'].entries()) {
      addresses.connect(env, handler)
      open(index)
      expect(network.dialled.at(-1)).toBe(host)
      addresses.onUseless()
    }
  })

  test('with one address nothing else happens', () => {
    new PeerAddresses(ALL.slice(0, 1), 1000).connect(env, handler)
    expect(network.dials).toEqual([{ host: 'a', handler }])
  })
})

describe('a server that listens on several addresses', () => {
  const listenAll = (): Listeners =>
    new Listeners(env, ALL, {
      onListening: ({ host }) => results.push(host),
      onConnection: () => IGNORE,
      onError: ({ message }) => results.push(message),
    })
  const bind = (index: number): { isClosed: boolean } => {
    const { host, handler } = network.listens[index]!
    const bound = { isClosed: false }
    const close = (): void => {
      bound.isClosed = true
    }
    handler.onListening({ address: { host, port: 1 }, close } as Listener)
    return bound
  }

  test('does with those that it gets', () => {
    const listeners = listenAll()
    network.listens[0]!.handler.onError(REFUSED)
    const second = bind(1)
    network.listens[2]!.handler.onError(REFUSED)
    expect(results).toEqual(['b'])
    listeners.close()
    expect(second.isClosed).toBe(true)
  })

  test('fails when it gets none', () => {
    listenAll()
    for (const { handler } of network.listens) handler.onError(REFUSED)
    expect(results).toEqual(['refused'])
  })

  test('gives up what it gets too late', () => {
    listenAll().close()
    expect(bind(0).isClosed).toBe(true)
    network.listens[1]!.handler.onError(REFUSED)
    expect(results).toEqual([])
  })
})
