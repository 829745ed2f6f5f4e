import { describe, expect, it } from 'vitest'
import { auth, create, getData, ping, Stage, setData } from './support/index.ts'

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

describe('four-letter words', () => {
  it('are answered as the first four bytes, whatever follows them', () => {
    const stage = Stage.open()
    expect(stage.word('ruok')).toBe('imok')
    expect(stage.word('ruok\r\nmore and more')).toBe('imok')
    expect(stage.word('isro')).toBe('rw')
  })

  it('are answered when they come byte by byte, then the connection ends', () => {
    const stage = Stage.open()
    const client = stage.client({ isRaw: true })
    for (const letter of 'ruok') {
      client.sendBytes(bytesOf(letter))
      stage.runFor(5)
    }
    expect(client.text).toBe('imok')
    stage.until(() => client.isClosed)
  })

  it('that nobody knows are a length, and a bad one', () => {
    const stage = Stage.open()
    expect(stage.word('RUOK')).toBe('')
    expect(stage.word('kill')).toBe('')
  })

  it('cost no session and no zxid', () => {
    const stage = Stage.open()
    stage.word('stat')
    expect(stage.server.lastApplied).toBe(0n)
    stage.until(() => stage.server.connections.size === 0)
    expect(stage.session().sessionId).toBeDefined()
    expect(stage.server.lastApplied).toBe(1n)
  })

  it('tell what the server does', () => {
    const stage = Stage.open({ disk: { latencyMsMin: 50, latencyMsMax: 50 } })
    const client = stage.session()
    stage.call(client, create('/a', 'x', { flags: 1 }))
    stage.call(client, getData('/a', true))
    client.send(create('/b'), getData('/b'))
    stage.until(() => stage.server.outstanding.requests === 2)
    const lines = stage.word('mntr').split('\n')
    expect(lines).toContain('zk_znode_count\t6')
    expect(lines).toContain('zk_ephemerals_count\t1')
    expect(lines).toContain('zk_watch_count\t1')
    expect(lines).toContain('zk_outstanding_requests\t2')
    expect(lines).toContain('zk_num_alive_connections\t2')
    expect(stage.word('srvr')).toMatch(/^Zxid: 0x2$/m)
    const session = `sid=0x${client.sessionId.toString(16)},lop=GETD`
    expect(stage.word('cons')).toContain(session)
    expect(stage.call(client, ping).err).toBe(0)
  })

  // As recorded from Apache ZooKeeper 3.9.3 with the same steps.
  it('count every packet of a connection, both ways', () => {
    const stage = Stage.open()
    const client = stage.session()
    const other = stage.session()
    const shown = (): string => {
      const mark = `sid=0x${client.sessionId.toString(16)}`
      const line = stage
        .word('cons')
        .split('\n')
        .find((each) => each.includes(mark))
      return line?.match(/recved=\d+,sent=\d+|lop=\w+|lcxid=\w+/g)?.join(' ') ?? ''
    }
    expect(shown()).toBe('recved=1,sent=1 lop=SESS lcxid=0x0')
    stage.call(client, create('/a', 'x'))
    stage.call(client, getData('/a', true))
    expect(shown()).toMatch(/^recved=3,sent=3 lop=GETD /)
    stage.call(other, setData('/a', 'y'))
    stage.until(() => shown().startsWith('recved=3,sent=4'))
    stage.call(client, auth('digest', 'a:b'))
    expect(shown()).toMatch(/^recved=4,sent=5 lop=GETD /)
  })

  it('are packets themselves, and count their answers when they are given', () => {
    const stage = Stage.open()
    expect(stage.word('srvr')).toMatch(/^Received: 1\nSent: 0$/m)
    expect(stage.word('stat')).toMatch(/\(queued=0,recved=1,sent=0\)[\s\S]*^Received: 2\nSent: 1$/m)
  })

  it('after the handshake are a bad length', () => {
    const stage = Stage.open()
    const client = stage.session()
    client.sendBytes(bytesOf('ruok'))
    stage.until(() => client.isClosed)
    expect(client.messages).toEqual([])
  })
})
