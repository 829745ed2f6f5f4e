import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bool,
  buffer,
  CreateFlag,
  connectRequest,
  createBody,
  frame,
  int,
  long,
  Op,
  readBody,
  setBody,
  WireClient,
} from '../../../bench/client/index.ts'
import { fourLetterWord, type ServerProcess } from '../../../bench/servers/index.ts'
import { discardServer, ON_ZABKEEPER, startServer } from '../clients/support/index.ts'
import { type BystanderReport, withBystander } from './support/bystander.ts'
import { newDice } from './support/index.ts'
import { RawSocket } from './support/raw-socket.ts'

/*
 * What arrives on the client port may be anything. The connection that misbehaves is closed (or answered with an
 * error), the server's memory stays bounded, and a client beside it is served as if nothing happened.
 */
const MAX_FRAME = 0xfffff
const HANDSHAKE_MS = 2000
/**
 * What a server is given to close a connection, be the machine as busy as it may. Where another server or session would
 * be, its own deadline is far later: so it is not that which closes it.
 */
const CLOSE_MS = 60_000
const NEVER_MS = 600_000
/** Generous, and without what the machine takes away from server and client; the figures are printed. */
const P99_LIMIT_MS = Number(process.env['ZABKEEPER_P99_LIMIT_MS'] ?? 1000)
const MARSHALLING_ERROR = -5
const SET_WATCHES = 101
const AUTH = 100
const ADD_WATCH = 106

/** Waits for handshakes for ever, and keeps sessions as long. */
let server: ServerProcess
let port: number
/** Cuts handshakes that take too long. */
let hasty: ServerProcess

beforeAll(async () => {
  const start = async (handshakeMs: number): Promise<ServerProcess> => {
    const sessions = `maxSessionTimeout=${NEVER_MS}`
    const config = [`nio.sessionlessCnxnTimeout=${handshakeMs}`, sessions]
    return await startServer({ tickTime: 1000, config })
  }
  ;[server, hasty] = await Promise.all([start(NEVER_MS), start(HANDSHAKE_MS)])
  port = server.options.port
  for (const { options } of [server, hasty]) {
    const client = await WireClient.open({ port: options.port })
    const big = Buffer.alloc(100_000, 'x')
    expect((await client.request(Op.create, createBody('/big', big, 0))).err).toBe(0)
    await client.close()
  }
})

afterAll(async () => {
  await discardServer(server)
  await discardServer(hasty)
})

/** Runs `work` beside a good client, prints what that one saw, and checks the bounds. */
async function harmless(
  what: string,
  grownMibMax: number,
  work: () => Promise<void>,
  judged: ServerProcess = server,
): Promise<void> {
  const report = await withBystander(judged, work)
  print(what, report)
  expect(report.failure).toBe(null)
  expect(report.count).toBeGreaterThan(10)
  expect(report.p99).toBeLessThan(P99_LIMIT_MS)
  expect(report.grownMib).toBeLessThan(grownMibMax)
  expect(judged.running).toBe(true)
}

function print(what: string, { p50, p99, max, grownMib, count }: BystanderReport): void {
  const ms = [p50, p99, max].map((value) => value.toFixed(2)).join(' / ')
  console.log(
    `${what}: bystander p50 / p99 / max ${ms} ms (${count}), memory +${grownMib.toFixed(0)} MiB`,
  )
}

/** With a session that nobody needs to keep alive. */
async function connected(options: { reading?: boolean } = {}): Promise<RawSocket> {
  return await RawSocket.connected(port, { timeoutMs: NEVER_MS, ...options })
}

async function closes(raw: RawSocket): Promise<number> {
  const late = sleep(CLOSE_MS, -1, { ref: false })
  const ended = await Promise.race([raw.closed, late])
  expect(ended, `still open after ${CLOSE_MS} ms`).not.toBe(-1)
  return ended
}

async function untilFewConnections(few: number): Promise<void> {
  for (const limit = Date.now() + CLOSE_MS; ; await sleep(50)) {
    const answer = await fourLetterWord(port, 'srvr').catch(() => '')
    const count = Number(/Connections: (\d+)/.exec(answer)?.[1])
    if (count < few) return
    if (Date.now() > limit) throw new Error(`${count} connections are open`)
  }
}

/** A vector with an absurd count and nothing behind it. */
const HUGE_COUNTS = [0x7fff_ffff, 1_000_000, -1, -2, -0x8000_0000]

describe('bad input', { timeout: 240_000 }, () => {
  test('absurd lengths close the connection without an answer', async () => {
    await harmless('absurd lengths', 32, async () => {
      const lengths = [-1, -0x8000_0000, 0x7fff_ffff, MAX_FRAME + 1, 0x4754_4554]
      for (const length of lengths) {
        const fresh = await RawSocket.open(port)
        fresh.write(int(length))
        await closes(fresh)
        expect(fresh.received.length, `first frame of ${length}`).toBe(0)
        const known = await connected()
        known.write(Buffer.concat([int(length), Buffer.alloc(100)]))
        await closes(known)
        expect(known.received.length, `later frame of ${length}`).toBe(0)
      }
      for (const length of [0, 1, 7]) {
        const known = await connected()
        known.write(Buffer.concat([int(length), Buffer.alloc(length)]))
        await closes(known)
      }
    })
  })

  test('absurd counts are answered with an error', async () => {
    await harmless('absurd counts', 32, async () => {
      for (const count of HUGE_COUNTS) {
        const acl = Buffer.concat([buffer('/acl'), buffer('x'), int(count)])
        const watches = Buffer.concat([long(0n), int(count)])
        for (const [op, body] of [
          [Op.create, acl],
          [SET_WATCHES, watches],
          [Op.getData, int(count)],
          [Op.setData, Buffer.concat([buffer('/big'), int(count)])],
          [Op.multi, Buffer.concat([int(Op.create), bool(false), int(-1), acl])],
        ] as const) {
          const raw = await connected()
          raw.write(frame(int(7), int(op), body))
          const reply = await raw.frame()
          expect([reply.readInt32BE(0), reply.readInt32BE(12)]).toEqual([7, MARSHALLING_ERROR])
          raw.destroy()
        }
        const raw = await connected()
        raw.write(frame(int(-4), int(AUTH), int(0), int(count)))
        await closes(raw)
      }
    })
  })

  test('random frames harm nobody', async () => {
    const dice = newDice()
    await harmless(`random frames, seed ${dice.seed}`, 64, async () => {
      for (let i = 0; i < 200; i++) {
        const raw = await RawSocket.connected(port)
        const frames: Buffer[] = []
        for (let n = 0; n < 30; n++) {
          const bytes = Buffer.from(Array.from({ length: dice.below(120) }, () => dice.below(256)))
          // Mostly with a good header, so that the bodies are looked at.
          const op = dice.chance(80) ? dice.pick([...Object.values(Op), 101, 105, 106]) : -77
          if (op === Op.closeSession) continue
          frames.push(dice.chance(90) ? frame(int(n), int(op), bytes) : frame(bytes))
        }
        raw.write(Buffer.concat(frames))
        await Promise.race([raw.closed, sleep(20)])
        raw.destroy()
      }
    })
  })

  test('1,000 half-open handshakes are cut at the deadline', async () => {
    const work = async (): Promise<void> => {
      const halves: RawSocket[] = []
      for (let i = 0; i < 1000; i++) {
        const raw = await RawSocket.open(hasty.options.port)
        // Some say nothing, some announce the largest frame, some stop inside it.
        if (i % 3 === 1) raw.write(int(MAX_FRAME))
        if (i % 3 === 2) raw.write(Buffer.concat([int(45), Buffer.alloc(20)]))
        halves.push(raw)
      }
      const ages = await Promise.all(halves.map(async (raw) => await closes(raw)))
      expect(Math.min(...ages)).toBeGreaterThan(HANDSHAKE_MS / 2)
    }
    await harmless('1,000 half-open handshakes', 64, work, hasty)
  })

  test('slow handshakes are cut at the deadline too', async () => {
    const work = async (): Promise<void> => {
      // One that comes to its end makes a session, and is not closed for long.
      const hello = frame(connectRequest({ timeoutMs: NEVER_MS }))
      await Promise.all(
        Array.from({ length: 50 }, async () => {
          const raw = await RawSocket.open(hasty.options.port)
          for (let i = 0; i < hello.length && !raw.isClosed; i++) {
            raw.write(hello.subarray(i, i + 1))
            await sleep(200)
          }
          await closes(raw)
        }),
      )
    }
    await harmless('slow handshakes', 32, work, hasty)
  })

  test('frames that never end take no more memory than was sent', async () => {
    await harmless('200 announced frames', 64, async () => {
      const many: RawSocket[] = []
      for (let i = 0; i < 200; i++) {
        const raw = await RawSocket.connected(port)
        raw.write(Buffer.concat([int(MAX_FRAME), Buffer.alloc(1000)]))
        many.push(raw)
      }
      await sleep(500)
      for (const raw of many) raw.destroy()
    })
  })

  test('a client that asks and never takes its answers is held back, then closed', async () => {
    await harmless('50 x 20,000 reads of 100 kB, never taken', 400, async () => {
      const get = frame(int(1), int(Op.getData), readBody('/big', false))
      const many = Buffer.concat(Array.from({ length: 20_000 }, () => get))
      const silent: RawSocket[] = []
      for (let i = 0; i < 50; i++) {
        const raw = await RawSocket.connected(port, { reading: false, timeoutMs: 2000 })
        raw.write(many)
        silent.push(raw)
      }
      // Nothing more is read from them, so their sessions run out.
      await untilFewConnections(10)
      for (const raw of silent) raw.destroy()
    })
  })

  test('a watcher that never reads its events is cut', async () => {
    await harmless('unread events', 200, async () => {
      const raw = await connected({ reading: false })
      const writer = await WireClient.open({ port })
      const path = `/watched-${'x'.repeat(2000)}`
      await writer.request(Op.create, createBody(path, null, CreateFlag.persistent))
      raw.write(frame(int(1), int(ADD_WATCH), buffer('/'), int(1)))
      await sleep(50)
      for (let i = 0; i < 30; i++) {
        const sets = Array.from(
          { length: 1000 },
          async () => await writer.request(Op.setData, setBody(path, 'y', -1)),
        )
        await Promise.all(sets)
      }
      await writer.close()
      raw.socket.resume()
      if (ON_ZABKEEPER) await closes(raw)
      raw.destroy()
    })
  })

  test('connections that come and go leave nothing behind', async () => {
    await harmless('3,000 connections', 64, async () => {
      for (let i = 0; i < 3000; i++) {
        const raw = await RawSocket.open(port)
        if (i % 2 === 0) raw.write(frame(connectRequest({ timeoutMs: 2000 })))
        if (i % 3 === 0) raw.socket.resetAndDestroy()
        else raw.destroy()
      }
    })
    await untilFewConnections(50)
  })

  test('odd words and early requests get nothing', async () => {
    await harmless('odd words', 32, async () => {
      for (const word of ['kill', 'RUOK', 'GET / HTTP/1.1\r\n\r\n', '\xff\xff\xff\xff']) {
        const raw = await RawSocket.open(port)
        raw.write(Buffer.from(word, 'latin1'))
        await closes(raw)
        expect(raw.received.length, word).toBe(0)
      }
      const early = await RawSocket.open(hasty.options.port)
      early.write(frame(int(1), int(Op.getData), readBody('/big', false)))
      await closes(early)
      expect(early.received.toString('latin1')).not.toContain('xxxx')
      const slow = await RawSocket.open(port)
      for (const letter of 'ruok') {
        slow.write(Buffer.from(letter))
        await sleep(20)
      }
      expect((await slow.receive(4)).toString()).toBe('imok')
    })
  })
})
