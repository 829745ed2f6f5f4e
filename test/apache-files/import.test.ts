import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adler32 } from '../../src/apache-files/txn-log-format.ts'
import type { ReplicatedState } from '../../src/server/index.ts'
import { create, rowsOf } from '../znodes/support.ts'
import { Apache, closeStorage, type Files, Workshop } from './support.ts'

let workshop: Workshop
let names = 0

beforeAll(() => {
  workshop = new Workshop()
})

afterAll(() => {
  workshop.discard()
})

function newName(): string {
  names += 1
  return `data${names}`
}

function describeState(state: ReplicatedState): unknown {
  const sessions: [bigint, number][] = []
  state.sessions.forEach((id, timeoutMs) => {
    sessions.push([id, timeoutMs])
  })
  const { zxid, digest } = state.summary()
  return { zxid, digest, rows: rowsOf(state.tree), sessions: sessions.sort() }
}

/** An Apache that has worked, with a snapshot in the middle and two log files. */
function worked(): { apache: Apache; files: Files; middle: bigint; split: bigint } {
  const apache = new Apache()
  apache.work(10)
  const middle = apache.zxid
  const snapshot = apache.snapshot()
  apache.work(5)
  const split = apache.zxid
  apache.work(5)
  const files = {
    snapshots: new Map([[middle, snapshot]]),
    logs: new Map([
      [1n, apache.log(1n, split)],
      [split + 1n, apache.log(split + 1n, apache.zxid)],
    ]),
  }
  return { apache, files, middle, split }
}

/** The offset of the record of `zxid` in a file that begins with `first`. */
function offsetOf(apache: Apache, first: bigint, zxid: bigint): number {
  return apache.log(first, zxid - 1n, 0).length
}

async function expectImported(files: Files, expected: unknown, salvage = false): Promise<string> {
  const name = newName()
  await workshop.import(files, name, salvage)
  const { state, storage } = await workshop.open(name)
  expect(describeState(state)).toEqual(expected)
  await closeStorage(storage)
  return name
}

describe('a whole folder', () => {
  test('becomes the state after its last transaction, and says what was verified', async () => {
    const { apache, files, middle } = worked()
    const name = newName()
    const report = await workshop.import(files, name)
    expect(report).toMatchObject({
      snapshotZxid: middle,
      logFiles: 2,
      entries: 90,
      lastZxid: apache.zxid,
      torn: null,
      mismatch: null,
      bridged: [],
      unusable: [],
      acceptedEpoch: 0,
      currentEpoch: 0,
      znodes: apache.state.tree.znodeCount,
      sessions: 20,
    })
    // Transactions that failed have none.
    expect(report.digestsVerified).toBe(81)
    const { state, storage } = await workshop.open(name)
    expect(describeState(state)).toEqual(describeState(apache.state))
    await closeStorage(storage)
  })

  test('keeps the last transactions as entries, for a leader that takes them back', async () => {
    const { apache, files, middle } = worked()
    const name = await expectImported(files, describeState(apache.state))
    const { storage } = await workshop.open(name)
    expect(storage.stats.checkpointZxid).toBe(middle)
    expect(storage.lastLogged).toBe(apache.zxid)
    await closeStorage(storage)
  })

  test('with a snapshot alone', async () => {
    const apache = new Apache()
    apache.work(3)
    const snapshots = new Map([[apache.zxid, apache.snapshot()]])
    await expectImported({ snapshots, logs: new Map() }, describeState(apache.state))
  })

  test('with the snapshot of an empty server', async () => {
    const apache = new Apache()
    const snapshots = new Map([[0n, apache.snapshot()]])
    apache.newEpoch()
    apache.work(2)
    const logs = new Map([[0x1_0000_0001n, apache.log(1n, apache.zxid)]])
    const expected = describeState(apache.state)
    const name = newName()
    expect(await workshop.import({ snapshots, logs }, name)).toMatchObject({
      acceptedEpoch: 1,
      currentEpoch: 1,
    })
    const { state, storage } = await workshop.open(name)
    expect(describeState(state)).toEqual(expected)
    expect([storage.acceptedEpoch, storage.currentEpoch]).toEqual([1, 1])
    await closeStorage(storage)
  })

  test('with a snapshot that ran ahead: the rows are of a state that was', async () => {
    const { apache, files, middle } = worked()
    const [[, snapshot]] = [...files.snapshots] as [[bigint, Uint8Array]]
    const begun = middle - 30n
    const fuzzy = { ...files, snapshots: new Map([[begun, snapshot]]) }
    const name = await expectImported(fuzzy, describeState(apache.state))
    const { storage } = await workshop.open(name)
    expect(storage.stats.checkpointZxid).toBe(middle)
    await closeStorage(storage)
  })

  test('with a snapshot that ran ahead of its own digest by one transaction', async () => {
    const apache = new Apache()
    apache.work(4)
    const middle = apache.zxid
    const { digest } = apache.state.summary()
    apache.run(create('/next'))
    const snapshot = withDigest(apache.snapshot(), middle, digest)
    apache.run(create('/last'))
    const files = {
      snapshots: new Map([[middle, snapshot]]),
      logs: new Map([[1n, apache.log(1n, apache.zxid)]]),
    }
    const name = await expectImported(files, describeState(apache.state))
    const { storage } = await workshop.open(name)
    expect(storage.stats.checkpointZxid).toBe(middle + 1n)
    await closeStorage(storage)
  })

  test('with a hole in the log that the snapshot bridges', async () => {
    const { apache, files, middle } = worked()
    const end = apache.zxid
    const log = Buffer.concat([apache.log(1n, 20n, 0), apache.log(middle + 1n, end).subarray(16)])
    await expectImported({ ...files, logs: new Map([[1n, log]]) }, describeState(apache.state))
  })

  test('goes through export and comes back the same', async () => {
    const { apache, files } = worked()
    const first = newName()
    await workshop.import({ ...files, acceptedEpoch: 4, currentEpoch: 3 }, first)
    const { report, written } = await workshop.export(first)
    expect(report).toMatchObject({ entries: 90, lastZxid: apache.zxid })
    expect(String(written.get('acceptedEpoch'))).toBe('4')
    expect(String(written.get('currentEpoch'))).toBe('3')
    const snapshots = new Map([[report.snapshotZxid as bigint, written.get(report.snapshot)!]])
    const logs = new Map([[report.snapshotZxid + 1n, written.get(report.log!)!]])
    const name = await expectImported({ snapshots, logs }, describeState(apache.state))
    const { storage } = await workshop.open(name)
    await closeStorage(storage)
  })
})

/** Another digest at the end of a snapshot, with the seals that belong to it. */
function withDigest(snapshot: Uint8Array, zxid: bigint, digest: bigint): Uint8Array {
  const bytes = Buffer.from(snapshot)
  const [sealed, last] = [bytes.length - 34, bytes.length - 13]
  bytes.writeBigInt64BE(zxid, sealed - 20)
  bytes.writeBigInt64BE(digest, sealed - 8)
  for (const end of [sealed, last]) bytes.writeBigInt64BE(BigInt(adler32(bytes, 0, end)), end)
  return bytes
}

describe('an unfinished end of the log', () => {
  test.each([
    ['cut inside the record', (log: Buffer, at: number) => log.subarray(0, at + 40)],
    ['cut inside the head', (log: Buffer, at: number) => log.subarray(0, at + 7)],
    ['with zeros', (log: Buffer, at: number) => Buffer.concat([log.subarray(0, at + 40), ZEROS])],
  ])('%s is refused, and salvaged when asked', async (_, tear) => {
    const { apache, files, split } = worked()
    const end = apache.zxid
    const at = offsetOf(apache, split + 1n, end)
    const log = tear(Buffer.from(files.logs.get(split + 1n)!), at)
    const torn = { ...files, logs: new Map([...files.logs, [split + 1n, log]]) }
    const error = await workshop.import(torn, newName()).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'TORN' })
    expect(String(error)).toMatch(`offset ${at}`)
    expect(String(error)).toMatch(/--salvage imports all that is before it, up to zxid 0xb3/)
    const report = await workshop.import(torn, newName(), true)
    expect(report.lastZxid).toBe(end - 1n)
    expect(report.torn).toMatchObject({ offset: at })
  })

  test('in an earlier file is harmless when the next one goes on without a hole', async () => {
    const { apache, files, split } = worked()
    const log = Buffer.concat([apache.log(1n, split, 0), Buffer.from([0, 0, 0, 0, 1, 2, 3]), ZEROS])
    const logs = new Map([...files.logs, [1n, log]])
    const name = newName()
    const report = await workshop.import({ ...files, logs }, name)
    expect(report.bridged).toMatchObject([{ path: '/apache/version-2/log.1', bytes: 7 }])
    expect(report.lastZxid).toBe(apache.zxid)
  })

  test('files without a record are nothing', async () => {
    const { apache, files } = worked()
    const end = apache.zxid
    const logs = new Map([...files.logs, [end + 1n, new Uint8Array(0)], [end + 2n, ZEROS]])
    await expectImported({ ...files, logs }, describeState(apache.state))
  })
})

const ZEROS: Buffer = Buffer.alloc(4096)

describe('damage is refused with file and offset, also when asked to salvage:', () => {
  async function expectRefused(files: Files, reason: RegExp): Promise<void> {
    for (const salvage of [false, true]) {
      const error = await workshop.import(files, newName(), salvage).catch((e: unknown) => e)
      expect(error).toMatchObject({ code: 'DAMAGED' })
      expect(String(error)).toMatch(reason)
    }
  }

  function changeLog(change: (log: Buffer, apache: Apache, split: bigint) => void): Files {
    const { apache, files, split } = worked()
    const log = Buffer.from(files.logs.get(split + 1n)!)
    change(log, apache, split)
    return { ...files, logs: new Map([...files.logs, [split + 1n, log]]) }
  }

  test('a flipped bit in a record', async () => {
    let offset = 0
    const files = changeLog((log, apache, split) => {
      offset = offsetOf(apache, split + 1n, split + 8n)
      log[offset + 30]! ^= 4
    })
    await expectRefused(files, new RegExp(`A damaged record at offset ${offset}, .*log.88`))
  })

  test('a flipped bit in a length', async () => {
    const files = changeLog((log, apache, split) => {
      log[offsetOf(apache, split + 1n, split + 8n) + 10]! ^= 4
    })
    await expectRefused(files, /A damaged record at offset \d+, and a whole one behind it/)
  })

  test('a zeroed block', async () => {
    const files = changeLog((log, apache, split) => {
      const start = offsetOf(apache, split + 1n, split + 5n)
      log.fill(0, start, offsetOf(apache, split + 1n, split + 9n))
    })
    await expectRefused(files, /Zeros at offset \d+, and a whole record behind them at \d+/)
  })

  test('something else in the place of a log', async () => {
    const files = changeLog((log) => log.write('GKLZ'))
    await expectRefused(files, /no log file: it does not begin with ZKLG/)
  })

  test('a file that is missing', async () => {
    const { apache, files, split } = worked()
    const end = apache.zxid
    const logs = new Map([
      [1n, files.logs.get(1n)!],
      [split + 3n, apache.log(split + 3n, end)],
    ])
    await expectRefused({ ...files, logs }, /Transactions are missing: 0x87 is followed by 0x8a/)
  })

  test('the first file that is missing', async () => {
    const { apache, files, split } = worked()
    const logs = new Map([[split + 1n, apache.log(split + 1n, apache.zxid)]])
    await expectRefused({ ...files, logs }, /Transactions are missing: 0x5a is followed by 0x88/)
  })

  test('the end of an earlier file that is missing', async () => {
    const { files } = worked()
    const logs = new Map([...files.logs, [1n, Buffer.from(files.logs.get(1n)!.subarray(0, 9000))]])
    await expectRefused({ ...files, logs }, /are missing: .* damaged at offset \d+/)
  })

  test('transactions out of order', async () => {
    const { apache, files, split } = worked()
    const again = apache.log(split - 2n, split, 0).subarray(16)
    const log = Buffer.concat([apache.log(split + 1n, apache.zxid, 0), again])
    const logs = new Map([...files.logs, [split + 1n, log]])
    await expectRefused({ ...files, logs }, /out of order: 0xb4 is followed by 0x85/)
  })

  test('a record that was whole, before a new epoch', async () => {
    const apache = new Apache()
    const snapshots = new Map([[0n, apache.snapshot()]])
    apache.work(2)
    const end = apache.zxid
    apache.newEpoch()
    apache.work(1)
    const log = apache.log(1n, end)
    log[offsetOf(apache, 1n, end) + 30]! ^= 1
    const first = 0x1_0000_0001n
    const logs = new Map([
      [1n, log],
      [first, apache.log(first, apache.zxid)],
    ])
    await expectRefused(
      { snapshots, logs },
      /A damaged record at offset \d+, and the next file begins with 0x100000001/,
    )
  })

  test('an entry of a kind that nobody knows', async () => {
    const { apache, files, split } = worked()
    const { zxid, txn } = apache.records.at(-1)!
    txn[31] = 99
    const logs = new Map([...files.logs, [split + 1n, apache.log(split + 1n, zxid)]])
    await expectRefused(
      { ...files, logs },
      /Transaction 0xb4 cannot be read: no transaction has type -157/,
    )
  })

  test('logs without a snapshot', async () => {
    const { files } = worked()
    await expectRefused({ ...files, snapshots: new Map() }, /logs, but no snapshot to begin with/)
  })

  test.each([
    [{ acceptedEpoch: 1, currentEpoch: 2 }, /acceptedEpoch is 1, and currentEpoch 2/],
    [{ currentEpoch: 1 }, /The log is of epoch 2, and currentEpoch says 1/],
    [{ currentEpoch: 1, nextEpoch: 3 }, /The log is of epoch 2/],
  ])('epochs %j', async (epochs, reason) => {
    await expectRefused({ ...secondEpoch(), ...epochs }, reason)
  })
})

/** A folder whose log ends in epoch 2. */
function secondEpoch(): Files {
  const apache = new Apache()
  const snapshots = new Map([[0n, apache.snapshot()]])
  apache.newEpoch()
  apache.newEpoch()
  apache.work(1)
  return { snapshots, logs: new Map([[0x2_0000_0001n, apache.log(1n, apache.zxid)]]) }
}

test('an epoch that was not written to its end counts', async () => {
  const files = { ...secondEpoch(), acceptedEpoch: 2, currentEpoch: 1, nextEpoch: 2 }
  const report = await workshop.import(files, newName())
  expect(report).toMatchObject({ acceptedEpoch: 2, currentEpoch: 2 })
})

test('nothing at all is no damage', async () => {
  const files = { snapshots: new Map(), logs: new Map() }
  const error = await workshop.import(files, newName()).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'MISSING' })
})

describe('a snapshot', () => {
  function withOlder(): { apache: Apache; files: Files; newest: Buffer } {
    const apache = new Apache()
    apache.work(4)
    const older = [apache.zxid, apache.snapshot()] as const
    apache.work(4)
    const newest = Buffer.from(apache.snapshot())
    const snapshots = new Map([older, [apache.zxid, newest]])
    apache.work(2)
    const logs = new Map([[1n, apache.log(1n, apache.zxid)]])
    return { apache, files: { snapshots, logs }, newest }
  }

  test.each([
    ['with a flipped bit', (bytes: Buffer) => bytes.writeUInt8(bytes[300]! ^ 1, 300)],
    ['with another seal', (bytes: Buffer) => bytes.writeUInt8(1, bytes.length - 6)],
    ['of another kind', (bytes: Buffer) => bytes.write('NSKZ')],
  ])('%s gives way to the one before it', async (_, change) => {
    const { apache, files, newest } = withOlder()
    change(newest)
    const report = await workshop.import(files, newName())
    expect(report).toMatchObject({ snapshotZxid: 36n, lastZxid: apache.zxid })
    expect(report.unusable).toHaveLength(1)
  })

  test('that is cut gives way to the one before it', async () => {
    const { apache, files, newest } = withOlder()
    const cut = newest.subarray(0, newest.length / 2)
    const snapshots = new Map([...files.snapshots, [72n, cut]])
    const report = await workshop.import({ ...files, snapshots }, newName())
    expect(report).toMatchObject({ snapshotZxid: 36n, lastZxid: apache.zxid })
    expect(report.unusable[0]!.reason).toMatch(/unfinished/)
  })

  test('that is damaged and the only one', async () => {
    const { files, newest } = withOlder()
    newest[300]! ^= 1
    const snapshots = new Map([[72n, newest]])
    const error = await workshop.import({ ...files, snapshots }, newName()).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'DAMAGED' })
    expect(String(error)).toMatch(/No snapshot can be used; the newest: .*snapshot.48/)
  })

  test('that ran ahead of the log is salvaged only', async () => {
    const { newest } = withOlder()
    const apache = new Apache()
    apache.work(4)
    const behind = {
      snapshots: new Map([[20n, newest]]),
      logs: new Map([[1n, apache.log(1n, 36n)]]),
    }
    const error = await workshop.import(behind, newName()).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'DAMAGED' })
    expect(String(error)).toMatch(/transactions up to 0x48 were made, but the log ends at 0x24/)
    expect((await workshop.import(behind, newName(), true)).lastZxid).toBe(36n)
  })

  test('of another server than the log is noticed by its digests', async () => {
    const { files } = withOlder()
    const other = new Apache()
    for (let i = 0; i < 72; i++) other.run(create(`/other${i}`))
    const mixed = { ...files, snapshots: new Map([[72n, other.snapshot()]]) }
    const error = await workshop.import(mixed, newName()).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'DAMAGED' })
    expect(String(error)).toMatch(/not the state that the server had: tree digest after 0x49/)
    const report = await workshop.import(mixed, newName(), true)
    expect(report.mismatch).toMatch(/tree digest after 0x49/)
  })
})
