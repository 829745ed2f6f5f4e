import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import {
  CreateFlag,
  createBody,
  Op,
  pathVersionBody,
  readBody,
  readData,
  readNames,
  WireClient,
} from '../../../bench/client/index.ts'
import { freePort, ServerProcess } from '../../../bench/servers/index.ts'
import { ON_ZABKEEPER } from '../clients/support/index.ts'
import { cyclesOf, type Dice, newDice } from './support/index.ts'
import { Tmpfs } from './support/tmpfs.ts'

/*
 * The disk fills up, by the server's own writes or at a blow from outside, and is freed again: nothing acknowledged is
 * lost, nothing refused is there, reads go on. `ZABKEEPER_DISK_FULL_CYCLES` sets the number of cycles.
 */
const CYCLES = cyclesOf('ZABKEEPER_DISK_FULL_CYCLES', 4)
const MIB = 1024 * 1024
/** Room for the reserve (16 MiB), the free space that is kept (32 MiB) and some segments of 1 MiB. */
const DISK_BYTES = 80 * MIB
const SYSTEM_ERROR = -1
const DATA_BYTES = 20_000

const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-full-'))
const tmpfs = ON_ZABKEEPER ? Tmpfs.mount(path.join(folder, 'disk'), DISK_BYTES) : null
if (tmpfs === null) console.warn('skipped: a tmpfs to fill cannot be mounted here')

afterAll(() => {
  tmpfs?.unmount()
  rmSync(folder, { recursive: true, force: true })
})

/** Creates and deletes znodes of a size and knows which must be there. */
class Filler {
  acknowledged = 0
  refused = 0
  readonly #dice: Dice
  readonly #mustBe = new Set<string>()
  readonly #mustNotBe = new Set<string>()
  #next = 0

  constructor(dice: Dice) {
    this.#dice = dice
  }

  /** Some pipelined creates; true when one of them was refused. */
  async write(client: WireClient, count: number): Promise<boolean> {
    const before = this.refused
    await Promise.all(Array.from({ length: count }, async () => await this.#create(client)))
    return this.refused > before
  }

  async deleteSome(client: WireClient): Promise<void> {
    for (const name of [...this.#mustBe]) {
      if (this.#mustBe.size <= 20) return
      const { err } = await client.request(Op.delete, pathVersionBody(`/d/${name}`, -1))
      if (err !== 0) throw new Error(`delete of ${name}: ${err}`)
      this.#mustBe.delete(name)
      this.#mustNotBe.add(name)
    }
  }

  /** Compares everything the server holds. */
  async verify(client: WireClient, when: string): Promise<void> {
    const { err, body } = await client.request(Op.getChildren, readBody('/d', false))
    if (err !== 0) throw new Error(`${when}: /d cannot be read: ${err}`)
    const held = new Set(readNames(body))
    for (const name of this.#mustBe) {
      if (!held.has(name)) throw new Error(`${when}: ${name} was acknowledged and is lost`)
    }
    for (const name of held) {
      if (this.#mustNotBe.has(name)) throw new Error(`${when}: ${name} was refused and is there`)
      const reply = await client.request(Op.getData, readBody(`/d/${name}`, false))
      const data = reply.err === 0 ? readData(reply.body).data : null
      if (data?.length !== DATA_BYTES || !data.equals(contents(name))) {
        throw new Error(`${when}: ${name} has the wrong data`)
      }
    }
  }

  async #create(client: WireClient): Promise<void> {
    const name = `n${this.#next++}-${this.#dice.below(1000)}`
    const body = createBody(`/d/${name}`, contents(name), CreateFlag.persistent)
    const reply = await client.request(Op.create, body).catch(() => null)
    if (reply?.err === 0) {
      this.acknowledged++
      this.#mustBe.add(name)
    } else if (reply?.err === SYSTEM_ERROR) {
      this.refused++
      this.#mustNotBe.add(name)
    } else if (reply !== null) throw new Error(`create got err ${reply.err}`)
  }
}

function contents(name: string): Buffer {
  return Buffer.alloc(DATA_BYTES, `${name} `)
}

test.skipIf(tmpfs === null)(
  `a full disk loses nothing, ${CYCLES} times`,
  { timeout: 120_000 + CYCLES * 60_000 },
  async () => {
    const disk = tmpfs!
    const dice = newDice()
    const dataDir = path.join(disk.folder, 'data')
    mkdirSync(dataDir)
    const config = ['preAllocSize=1024', 'snapSizeLimitInKb=4096', 'snapCount=100000']
    const port = await freePort()
    const server = new ServerProcess({ kind: 'zabkeeper', folder, dataDir, port, config })
    const filler = new Filler(dice)
    let client: WireClient | null = null

    const connect = async (): Promise<WireClient> => {
      client?.destroy()
      // A new session is a write, and refused as such while the disk is full; an old one may come back.
      const session = client && { id: client.sessionId, password: client.password }
      client = await WireClient.open({ port, ...(session && { session }) })
      return client
    }
    const restart = async (): Promise<void> => {
      if (dice.chance(50)) await server.kill()
      else expect((await server.stop()).code).toBe(0)
      await server.start()
    }

    try {
      await server.start()
      await (await connect()).request(Op.create, createBody('/d', null, CreateFlag.persistent))
      for (let cycle = 0; cycle < CYCLES; cycle++) {
        let session = await connect()
        await filler.write(session, 8)
        const leave = dice.chance(50) ? dice.below(2 * MIB) : 34 * MIB + dice.below(6 * MIB)
        disk.fill(leave)
        for (let round = 0; !(await filler.write(session, 16)); round++) {
          if (round > 400) throw new Error(`nothing was refused with ${disk.freeBytes} bytes free`)
          if (!session.open) throw new Error('the connection was lost')
        }
        await filler.verify(session, `cycle ${cycle}, full`)
        if (dice.chance(50)) {
          await restart()
          session = await connect()
          await filler.verify(session, `cycle ${cycle}, restarted while full`)
          await filler.write(session, 4)
        }
        disk.free()
        for (let tries = 0; await filler.write(session, 1); tries++) {
          if (tries > 1200) throw new Error(`still refused with ${disk.freeBytes} bytes free`)
          await sleep(50)
        }
        await filler.write(session, 16)
        await filler.deleteSome(session)
        if (dice.chance(50)) {
          await restart()
          session = await connect()
        }
        await filler.verify(session, `cycle ${cycle}, freed`)
      }
    } catch (error) {
      throw new Error(`seed ${dice.seed}: ${String(error)}\n${server.output}`, { cause: error })
    } finally {
      ;(client as WireClient | null)?.destroy()
      await server.kill()
    }
    console.log(`${CYCLES} full disks: ${filler.acknowledged} kept, ${filler.refused} refused`)
    expect(filler.refused).toBeGreaterThanOrEqual(CYCLES)
  },
)
