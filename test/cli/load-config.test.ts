import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/cli/load-config.ts'
import { ConfigError } from '../../src/config/index.ts'

const SERVERS = 'server.1=a:2888:3888\nserver.2=b:2888:3888\nserver.3=c:2888:3888\n'

let folder: string
let data: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-config-'))
  data = path.join(folder, 'data')
  mkdirSync(data)
})

afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function write(name: string, text: string): string {
  const file = path.join(folder, name)
  writeFileSync(file, text)
  return file
}

function writeConfig(rest: string): string {
  return write('zoo.cfg', `clientPort=2181\ndataDir=${data}\ninitLimit=10\nsyncLimit=5\n${rest}`)
}

function refusal(file: string): string {
  try {
    loadConfig(file, {})
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error(`accepted: ${file}`)
}

describe('an ensemble', () => {
  test('gets its own number from the data folder', () => {
    write('data/myid', '2\n')
    const { config, warnings } = loadConfig(writeConfig(SERVERS), {})
    expect(config.ensemble?.self).toBe(2)
    expect(config.ensemble?.members).toHaveLength(3)
    expect(warnings).toEqual([])
  })

  test('looks for it in the folder of the command line', () => {
    write('data/myid', '2\n')
    mkdirSync(path.join(folder, 'other'))
    write('other/myid', '3\n')
    const { config } = loadConfig(writeConfig(SERVERS), { dataDir: path.join(folder, 'other') })
    expect(config.ensemble?.self).toBe(3)
  })

  test.each(['data', 'data/deeper'])('without it says what to write into %s/myid', (dataDir) => {
    const file = write(
      'zoo.cfg',
      `clientPort=2181\ndataDir=${folder}/${dataDir}\ninitLimit=5\nsyncLimit=2\n${SERVERS}`,
    )
    expect(refusal(file)).toBe(
      `${file}: myid: is missing: a member of an ensemble has its own number in the file ` +
        `${folder}/${dataDir}/myid. Write there which one of 1, 2, 3 this server is`,
    )
  })

  test('does not start as somebody who is not in the list', () => {
    write('data/myid', '7')
    expect(refusal(writeConfig(SERVERS))).toMatch(/myid: this server's number is 7, but .* 1, 2, 3/)
  })

  test('names the file whose number is none', () => {
    const myid = write('data/myid', 'zk1\n')
    expect(refusal(writeConfig(SERVERS))).toMatch(`${myid}:1: 'zk1' is no server number`)
    rmSync(myid)
    mkdirSync(myid)
    expect(refusal(writeConfig(SERVERS))).toBe(`${myid}: is a folder, and must be a file`)
  })

  test.skipIf(process.getuid?.() === 0)('names the file that it may not read', () => {
    const myid = write('data/myid', '1')
    chmodSync(myid, 0)
    expect(refusal(writeConfig(SERVERS))).toBe(`${myid}: may not be read by this user`)
  })

  test('finds its servers in a dynamic configuration', () => {
    write('data/myid', '1')
    const dynamic = write('zoo.cfg.dynamic.100000000', SERVERS)
    const file = writeConfig(`dynamicConfigFile=${dynamic}`)
    expect(loadConfig(file, {}).config.ensemble?.members).toHaveLength(3)
    rmSync(dynamic)
    expect(refusal(file)).toBe(`${dynamic}: no such file; dynamicConfigFile in ${file} names it`)
  })
})

test('a server that stands alone needs no number', () => {
  const { config } = loadConfig(writeConfig('server.1=a:2888:3888'), {})
  expect(config).toMatchObject({ ensemble: null, dataDir: data })
})
