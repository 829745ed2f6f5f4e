import { describe, expect, it } from 'vitest'
import { readGetDataResponse } from '../../src/wire/index.ts'
import {
  closeSession,
  create,
  decode,
  del,
  exists,
  getData,
  ping,
  Stage,
  setData,
  sync,
} from './support/index.ts'

const KIB = 1024

describe('a write that the disk refuses', () => {
  it('ends the server; what it held is not answered, and is not there as a whole but in order', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const stage = Stage.open({ seed, disk: { latencyMsMin: 5, latencyMsMax: 5 } })
      const client = stage.session()
      stage.call(client, create('/a', 'good'))
      stage.disk.injectFault({ kind: 'write', name: /\.log$|\.next$|wal/, code: 'EIO' })
      client.send(setData('/a', 'lost?'), getData('/a'), create('/b'))
      const answered = client.messages.length
      stage.until(() => stage.fatal !== null)
      expect(stage.fatal).toMatchObject({ name: 'StorageError', code: 'IO' })
      stage.runFor(1000)
      expect(client.messages).toHaveLength(answered)
      expect(client.isClosed).toBe(true)
      expect(stage.server.connections.size).toBe(0)
      stage.kill()
      stage.start()
      const { tree } = stage.server.state
      expect(['good', 'lost?']).toContain(tree.find('/a')!.data)
      if (tree.find('/a')!.data === 'good') expect(tree.find('/b')).toBeUndefined()
    }
  })

  it('ends the server once, and nothing more is written', () => {
    const stage = Stage.open()
    const clients = [stage.session(), stage.session()]
    stage.disk.injectFault({ kind: 'write', code: 'EIO', times: 100 })
    for (const client of clients) client.send(create('/a'), create('/b'))
    stage.until(() => stage.fatal !== null)
    const steps = stage.disk.steps
    const { fatal } = stage
    stage.fatal = null
    stage.client()
    stage.runFor(60_000)
    expect(stage.fatal).toBeNull()
    expect(fatal).not.toBeNull()
    expect(stage.disk.steps).toBe(steps)
  })

  it('during a stop is what the stop reports', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 5, latencyMsMax: 5 } })
    const client = stage.session()
    stage.disk.injectFault({ kind: 'write', code: 'EIO' })
    client.send(create('/a'))
    stage.runFor(2)
    const error = stage.stop()
    expect(error).toMatchObject({ name: 'StorageError', code: 'IO' })
    expect(stage.fatal).toBeNull()
  })
})

describe('a start that fails', () => {
  it('is reported, and nothing is left running', () => {
    const stage = new Stage()
    stage.disk.forbidden.add('/data/log')
    expect(() => stage.start()).toThrow(/may not be/)
    const { executed } = stage.world.events
    stage.runFor(100_000)
    expect(stage.world.events.executed).toBe(executed)
  })

  it('because the port is taken releases nothing it does not own', () => {
    const stage = Stage.open()
    stage.env.network.listen(
      { host: '', port: 2182 },
      {},
      { onListening: () => {}, onConnection: () => expect.fail(), onError: () => expect.fail() },
    )
    stage.runFor(1)
    const other = new Stage({ config: { clientPort: 2182 } })
    // Another server of the same machine, with a disk of its own.
    const env = stage.world.startProcess('10.0.0.1', other.disk.open)
    const server = other.launch(() => expect.fail(), env)
    stage.until(() => other.fatal !== null)
    expect(other.fatal).toMatchObject({ code: 'EADDRINUSE' })
    expect(server.connections.size).toBe(0)
    expect(stage.call(stage.session(), ping).err).toBe(0)
  })
})

describe('a full disk', () => {
  function open(): Stage {
    return Stage.open({
      disk: { capacityBytes: 1024 * KIB, latencyMsMin: 0, latencyMsMax: 1 },
      limits: {
        logSegmentBytes: 128 * KIB,
        diskReserveBytes: 128 * KIB,
        diskFreeBytesMin: 256 * KIB,
      },
    })
  }

  /** Others fill the file system until writes are refused. */
  function fill(stage: Stage): void {
    const client = stage.session()
    stage.disk.otherBytes = stage.disk.freeBytes - 100 * KIB
    for (let i = 0; stage.server.writeRefusal() === null; i++) {
      if (i > 200) throw new Error('the disk does not get full')
      stage.call(client, create(`/filler${i}`, 'x'.repeat(8 * KIB)))
    }
  }

  it('refuses writes with an error and without a zxid; reads, pings and sync go on', () => {
    const stage = open()
    const client = stage.session()
    stage.call(client, create('/a', 'x'))
    fill(stage)
    const { zxid } = stage.call(client, ping)
    const replies = stage.callAll(
      client,
      setData('/a', 'y'),
      getData('/a'),
      create('/b'),
      del('/a'),
      sync('/a'),
      ping,
    )
    expect(replies.map(({ err }) => err)).toEqual([-1, 0, -1, -1, 0, 0])
    expect(replies.every((reply) => reply.zxid === zxid)).toBe(true)
    expect(decode(replies[1]!, readGetDataResponse).data).toBe('x')
  })

  it('lets sessions be taken up, be closed and expire, but not begin', () => {
    const stage = open()
    const [client, silent] = [stage.session(), stage.session({ timeoutMs: 3000 })]
    stage.call(silent, create('/e', '', { flags: 1 }))
    fill(stage)
    const again = stage.session(client.credentials())
    const newcomer = stage.client()
    stage.until(() => newcomer.isClosed)
    expect(newcomer.received).toBe(0)
    const sessions = stage.server.state.sessions.size
    stage.until(() => stage.server.state.sessions.size < sessions)
    expect(stage.call(again, exists('/e')).err).toBe(-101)
    expect(stage.call(again, closeSession).err).toBe(0)
  })

  it('takes writes again once there is room, and lost nothing', () => {
    const stage = open()
    const client = stage.session({ timeoutMs: 20_000 })
    fill(stage)
    stage.disk.otherBytes = 0
    stage.until(() => stage.server.writeRefusal() === null)
    expect(stage.call(client, create('/after')).err).toBe(0)
    const znodes = stage.server.state.tree.znodeCount
    stage.crash()
    stage.start()
    expect(stage.server.state.tree.znodeCount).toBe(znodes)
  })

  it('does not keep the server from stopping and starting', () => {
    const stage = open()
    const client = stage.session()
    stage.call(client, create('/a', 'x'))
    fill(stage)
    expect(stage.stop()).toBeNull()
    stage.start()
    const again = stage.session(client.credentials())
    expect(decode(stage.call(again, getData('/a')), readGetDataResponse).data).toBe('x')
    stage.until(() => stage.server.writeRefusal() !== null)
    expect(stage.call(again, setData('/a', 'y')).err).toBe(-1)
  })

  it('is not written to by the sweep', () => {
    const stage = open()
    const client = stage.session({ timeoutMs: 20_000 })
    stage.callAll(client, create('/c', '', { type: 19, flags: 4 }), create('/c/x'), del('/c/x'))
    fill(stage)
    const { znodeCount } = stage.server.state.tree
    for (let i = 0; i < 10; i++) {
      stage.call(client, ping)
      stage.runFor(10_000)
    }
    expect(stage.server.state.tree.znodeCount).toBe(znodeCount)
    stage.disk.otherBytes = 0
    for (let i = 0; i < 8; i++) {
      stage.runFor(10_000)
      stage.call(client, ping)
    }
    expect(stage.server.state.tree.find('/c')).toBeUndefined()
  })
})
