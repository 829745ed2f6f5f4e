import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseZooCfg } from '../../src/config/index.ts'
import { kazoo, skipWithout } from '../compat/clients/support/index.ts'
import { ROOT, readText } from '../tidy/source-files.ts'
import { exchange, Scratch } from './support/zabkeeper.ts'

/** The fenced blocks of the README in one language. */
function blocks(language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\`$`, 'gm')
  return [...readText('README.md').matchAll(fence)].map((match) => match[1]!)
}

const python = await kazoo()
let scratch: Scratch
let port: number

beforeAll(async () => {
  scratch = new Scratch()
  port = (await scratch.serve()).port
})

afterAll(async () => {
  await scratch.discard()
})

/** Writes an example to a file, with the port of the test's server in place of 2181. */
function writeExample(name: string, text: string): string {
  const file = path.join(scratch.folder, name)
  writeFileSync(file, text.replaceAll('localhost:2181', `127.0.0.1:${port}`))
  return file
}

describe('the examples of the README', () => {
  test('zabkeeper/client and zabkeeper/recipes', async () => {
    const [example] = blocks('js')
    const from = (name: string): string => JSON.stringify(path.join(ROOT, 'dist', name, 'index.js'))
    const text = example!
      .replace("'zabkeeper/client'", from('src/client-node'))
      .replace("'zabkeeper/recipes'", from('recipes'))
    const ending = await scratch.runProgram(process.execPath, [writeExample('client.mjs', text)])
      .ended
    expect(ending).toMatchObject({ code: 0, stdout: 'locked: version 1\n' })
  })

  test('node-zookeeper-client', async () => {
    const [, example, ...more] = blocks('js')
    expect(more).toEqual([])
    // Packages are looked up from the file's own folder.
    const from = JSON.stringify(
      path.join(ROOT, 'node_modules', 'node-zookeeper-client', 'index.js'),
    )
    const file = writeExample('example.mjs', example!.replace("'node-zookeeper-client'", from))
    const ending = await scratch.runProgram(process.execPath, [file]).ended
    expect(ending).toMatchObject({ code: 0, stdout: 'hello (version 0)\n' })
  })

  test.skipIf(skipWithout(python))('kazoo', async () => {
    const [example, ...more] = blocks('py')
    expect(more).toEqual([])
    const file = writeExample('example.py', example!)
    const ending = await scratch.runProgram(python.found!, [file]).ended
    expect(ending).toMatchObject({ code: 0, stdout: "['locks'] (3, 9, 3)\n" })
  })

  test('zoo.cfg', () => {
    const [example] = blocks('properties')
    const { config, warnings } = parseZooCfg(example!, 'zoo.cfg')
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      clientPort: 2181,
      dataDir: '/var/lib/zookeeper',
      ensemble: null,
    })
  })

  // test/cli/ensemble.test.ts starts one like this.
  test('zoo.cfg of an ensemble', () => {
    const [, example, ...more] = blocks('properties')
    expect(more).toEqual([])
    const { config, warnings } = parseZooCfg(example!, 'zoo.cfg', { beside: { myid: 2 } })
    expect(warnings).toEqual([])
    expect(config.ensemble).toMatchObject({ self: 2, initLimit: 10, syncLimit: 5 })
    expect(config.ensemble!.members.map(({ id, role }) => `${id} ${role}`)).toEqual([
      '1 participant',
      '2 participant',
      '3 participant',
    ])
  })

  test('every shell line that asks a word gets an answer', async () => {
    const words = [
      ...blocks('sh')
        .join('')
        .matchAll(/^echo (\w{4}) \| nc localhost 2181$/gm),
    ]
    expect(words.map((match) => match[1])).toEqual(['ruok', 'mntr'])
    for (const [, word] of words) {
      expect(await exchange(port, `${word}\n`)).toMatch(/^(imok$|zk_version\t)/)
    }
  })

  test('every flag is one of serve, and the other way round', async () => {
    const documented = [...readText('README.md').matchAll(/^\| `(--[\w-]+)/gm)].map((m) => m[1])
    const { stdout } = await scratch.run('serve', '--help').ended
    const existing = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((m) => m[1])
    expect(documented.sort()).toEqual(existing.filter((flag) => flag !== '--help').sort())
  })

  test('every word it says is answered is', async () => {
    const sentence = /^Answered: (.*)\.$/m.exec(readText('README.md'))![1]!
    const words = [...sentence.matchAll(/`(\w{4})`/g)].map((match) => match[1]!)
    expect(words).toHaveLength(10)
    for (const word of words) {
      expect(await exchange(port, word), word).not.toMatch(/whitelist|not in this version/)
    }
  })
})
