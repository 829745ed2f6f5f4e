import { describe, expect, it } from 'vitest'
import { CreateMode, OpCode, readStringsResponse } from '../../src/wire/index.ts'
import { create, decode, raw, Stage } from './support/index.ts'

/** A getEphemerals request for a prefix of one-byte characters, or null. */
function getEphemerals(prefix: string | null): ReturnType<typeof raw> {
  if (prefix === null) return raw(OpCode.getEphemerals, [255, 255, 255, 255])
  const bytes = [...prefix].map((c) => c.charCodeAt(0))
  return raw(OpCode.getEphemerals, [0, 0, 0, bytes.length, ...bytes])
}

describe('getEphemerals', () => {
  const ephemeral = { flags: CreateMode.ephemeral }

  it.each([
    ['null', null, ['/a/1', '/a/2', '/b']],
    ['empty', '', ['/a/1', '/a/2', '/b']],
    ['blank', ' \t\n', ['/a/1', '/a/2', '/b']],
    ['the root', '/', ['/a/1', '/a/2', '/b']],
    ['the root and a NUL, which Java trims', '/\0', ['/a/1', '/a/2', '/b']],
    ['a znode', '/a', ['/a/1', '/a/2']],
    ['a part of a name', '/a/2', ['/a/2']],
    ['a znode and a blank', '/a ', []],
  ])('with a prefix that is %s', (_, prefix, expected) => {
    const stage = Stage.open()
    const [client, other] = [stage.session(), stage.session()]
    stage.callAll(
      client,
      create('/a'),
      create('/a/1', '', ephemeral),
      create('/a/2', '', ephemeral),
      create('/b', '', ephemeral),
    )
    stage.call(other, create('/a/3', '', ephemeral))
    const reply = stage.call(client, getEphemerals(prefix))
    expect([...(decode(reply, readStringsResponse) ?? [])].sort()).toEqual(expected)
  })
})
