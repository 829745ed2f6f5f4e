import { expect, test } from 'vitest'
import type { SessionId, Zxid } from '../../../src/base/index.ts'
import { Model, modelStat } from '../../../src/sim/checkers/model.ts'
import { SimRandom } from '../../../src/sim/random.ts'
import {
  type ByteString,
  OpCode,
  Perms,
  type Txn,
  type TxnHeader,
} from '../../../src/wire/index.ts'
import { DataTree } from '../../../src/znodes/index.ts'
import { copyStat } from '../../../src/znodes/znode.ts'

const ACL = [{ perms: Perms.all, scheme: 'world', id: 'anyone' }]

/** Transactions as they may come: also such as make no sense where they are applied. */
function randomTxn(random: SimRandom): Txn {
  const path = `/n${random.below(6)}${random.oneIn(2) ? '' : `/c${random.below(4)}`}`
  const data = 'x'.repeat(random.below(9)) as ByteString
  switch (random.below(9)) {
    case 0:
      return { type: OpCode.delete, path }
    case 1:
      return { type: OpCode.setACL, path, acl: ACL, version: random.below(5) }
    case 2:
      return { type: OpCode.closeSession, paths: null }
    case 3:
      return { type: OpCode.multi, txns: [randomTxn(random), randomTxn(random)].filter(isSimple) }
    case 4:
      return { type: OpCode.error, err: -101 }
    case 5:
      return { type: OpCode.setData, path, data, version: random.below(100) }
    case 6:
      return { type: OpCode.createTTL, path, data, acl: ACL, parentCVersion: -1, ttl: 1000n }
    case 7:
      return { type: OpCode.createContainer, path, data, acl: ACL, parentCVersion: -1 }
    default: {
      const ephemeral = random.oneIn(3)
      return { type: OpCode.create, path, data, acl: ACL, ephemeral, parentCVersion: -1 }
    }
  }
}

function isSimple(txn: Txn): boolean {
  return txn.type !== OpCode.multi && txn.type !== OpCode.closeSession
}

test('the model and the tree of the server agree after every transaction', () => {
  for (let seed = 1; seed <= 10; seed += 1) {
    const random = new SimRandom(seed)
    const seen: string[] = []
    const tree = new DataTree(
      {
        created: (znode, parent) => seen.push(`1 ${znode.path}`, `4 ${parent.path}`),
        deleted: (znode, parent) => seen.push(`2 ${znode.path}`, `4 ${parent.path}`),
        dataChanged: (znode) => seen.push(`3 ${znode.path}`),
      },
      { extendedTypesEnabled: true },
    )
    const model = new Model()
    expect(model.digestAt(0)).toBe(tree.digest())
    for (let position = 1; position <= 200; position += 1) {
      const txn = randomTxn(random)
      const header: TxnHeader = {
        clientId: BigInt(1 + random.below(3)) as SessionId,
        cxid: position,
        zxid: (0x1_0000_0000n + BigInt(position)) as Zxid,
        time: 1_700_000_000_000 + position,
        type: txn.type,
      }
      tree.apply(header, txn)
      model.apply(header, txn)
      expect(model.digestAt(position), `seed ${seed}, ${position}`).toBe(tree.digest())
    }
    expect(model.changes.map(({ type, path }) => `${type} ${path}`)).toEqual(seen)
    for (const znode of tree.znodes()) {
      expect(modelStat(model.znodeAt(znode.path, model.length)!)).toEqual(copyStat(znode))
    }
    const ephemerals = [...tree.ephemerals()].flatMap(([id, paths]) =>
      [...paths].map((path) => [path, id]),
    )
    expect([...model.ephemeralsAt(model.length)].sort()).toEqual(ephemerals.sort())
  }
})

test('the past stays', () => {
  const model = new Model()
  const apply = (counter: number, txn: Txn): void => {
    const header = { clientId: 1n as SessionId, cxid: 1, time: 5, type: txn.type }
    model.apply({ ...header, zxid: BigInt(counter) as Zxid }, txn)
  }
  apply(1, {
    type: OpCode.create,
    path: '/a',
    data: 'one' as ByteString,
    acl: ACL,
    ephemeral: false,
    parentCVersion: 1,
  })
  apply(2, { type: OpCode.setData, path: '/a', data: 'two' as ByteString, version: 1 })
  apply(3, { type: OpCode.delete, path: '/a' })
  expect([0, 1, 2, 3].map((at) => model.znodeAt('/a', at)?.data)).toEqual([
    undefined,
    'one',
    'two',
    undefined,
  ])
  expect(model.versionPositions('/a', 0, 2)).toEqual([1, 2])
  expect(model.znodeAt('/', 3)).toMatchObject({ numChildren: 1, creates: 1, pzxid: 3n })
})
