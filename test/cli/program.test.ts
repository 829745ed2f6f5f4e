import { Command } from 'commander'
import { expect, test } from 'vitest'
import { PARTS } from '../../src/cli/program.ts'
import { listFiles, readText } from '../tidy/source-files.ts'

test.each(PARTS)('$names are what their file adds', async ({ names, load }) => {
  const program = new Command()
  const add = await load()
  add(program)
  expect(program.commands.map((command) => command.name())).toEqual(names)
})

test('no command is there twice, and none is forgotten', () => {
  const names = PARTS.flatMap((part) => part.names)
  expect(new Set(names).size).toBe(names.length)
  const adding = listFiles('src/cli').filter((file) =>
    /^export function add\w+\(program: Command\)/m.test(readText(file)),
  )
  const loaded = [
    ...readText('src/cli/program.ts').matchAll(/import\('\.\/([\w-]+\.ts)'\)\)\.add/g),
  ]
  expect(adding.sort()).toEqual(loaded.map((match) => `src/cli/${match[1]}`).sort())
})
