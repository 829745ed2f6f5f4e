import { describe, expect, it } from 'vitest'
import { makeZxid, type SessionId, type Zxid } from '../../src/base/index.ts'
import { SimDisk } from '../../src/sim/index.ts'
import type { Install, StorageOptions } from '../../src/storage/index.ts'
import {
  type Change,
  encodeChange,
  type Life,
  MapMachine,
  SMALL_OPTIONS,
  startWell,
} from './support.ts'

const REPLICA: StorageOptions = {
  ...SMALL_OPTIONS,
  replay: 'checkpoint',
  checkpointEntries: 1e9,
  checkpointLogBytes: 1e9,
  segmentsKept: 0,
}

/** A state made of changes, as it comes from a leader. */
function snapshotOf(changes: readonly Change[], zxid: Zxid): Install['snapshot'] {
  const machine = new MapMachine()
  machine.reset()
  for (const change of changes) machine.apply(zxid, change)
  return machine.received()
}

function installed(life: Life, install: Install): void {
  let isDone = false
  life.storage!.install(install, () => {
    life.machine.load(install)
    isDone = true
  })
  life.storage!.flush()
  life.run(() => isDone || life.fatal !== null)
}

function install(epoch: number, from: number, entries: number, rows = 10): Install {
  const zxid = makeZxid(epoch, from)
  const values: Record<string, string> = {}
  for (let i = 0; i < rows; i++) values[`/snap${i}`] = `${epoch}.${from}`
  return {
    zxid,
    snapshot: snapshotOf([{ values, sessions: { '77': 4000 } }], zxid),
    entries: Array.from({ length: entries }, (_, i) => ({
      zxid: makeZxid(epoch, from + 1 + i),
      txn: encodeChange({ values: { '/after': String(from + 1 + i) } }),
    })),
    currentEpoch: epoch,
  }
}

describe('install', () => {
  it('replaces log, state and epoch, and is found again', () => {
    const disk = new SimDisk()
    const life = startWell(disk, REPLICA)
    for (let i = 0; i < 200; i++) {
      life.writeDurably({ values: { [`/old${i}`]: 'x' }, pad: 'x'.repeat(500) })
    }
    life.checkpoint()
    life.writeDurably({ values: { '/old': 'late' } })
    installed(life, install(3, 5, 4))
    expect(life.storage!.lastLogged).toBe(makeZxid(3, 9))
    expect(life.storage!.currentEpoch).toBe(3)
    life.runFor(1000)
    expect(life.storage!.stats.segments).toBe(1)
    expect(life.storage!.diskBase).toBe(makeZxid(3, 5))
    // The rows of before are gone.
    expect(disk.stores.get('/data/checkpoint')!.rows.size).toBe(1 + 10 + 1 + 1)
    life.powerLoss()

    const next = startWell(disk, REPLICA)
    expect(next.storage!.recovery.checkpointZxid).toBe(makeZxid(3, 5))
    expect(next.machine.get('/snap9')).toBe('3.5')
    expect(next.machine.get('/old')).toBeUndefined()
    expect(next.machine.sessions.get(77n as SessionId)).toBe(4000)
    const tail = next.storage!.takeTail()
    expect(tail.base).toBe(makeZxid(3, 5))
    expect(tail.entries.map(({ zxid }) => zxid)).toEqual([6, 7, 8, 9].map((i) => makeZxid(3, i)))
    expect(next.storage!.currentEpoch).toBe(3)
  })
})
