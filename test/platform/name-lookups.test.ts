import type { LookupFunction } from 'node:net'
import { expect, test } from 'vitest'
import { NameLookups } from '../../src/platform/name-lookups.ts'

const ALL = { family: 0, hints: 32, all: true } as const

/** A resolver that answers when it is told to. */
class Resolver {
  readonly asked: string[] = []
  readonly #answers: Parameters<LookupFunction>[2][] = []

  readonly lookup: LookupFunction = (hostname, _options, callback) => {
    this.asked.push(hostname)
    this.#answers.push(callback)
  }

  answer(address: string): void {
    this.#answers.shift()!(null, address, 4)
  }

  fail(): void {
    this.#answers.shift()!(new Error('ENOTFOUND'), '', 4)
  }
}

function asking(lookups: NameLookups, log: string[]): (name: string) => void {
  return (name) => {
    lookups.lookup(name, ALL, (error, address) => {
      log.push(`${name} ${error === null ? address : error.message}`)
    })
  }
}

test('a name is asked for once, however often it is dialled meanwhile', () => {
  const resolver = new Resolver()
  const log: string[] = []
  const ask = asking(new NameLookups(resolver.lookup), log)
  for (let dials = 0; dials < 100; dials += 1) {
    ask('late')
    ask('quick')
  }
  expect(resolver.asked).toEqual(['late'])
  resolver.fail()
  expect(log).toEqual(Array.from({ length: 100 }, () => 'late ENOTFOUND'))
  expect(resolver.asked).toEqual(['late', 'quick'])
  resolver.answer('10.0.0.2')
  expect(log.slice(100)).toEqual(Array.from({ length: 100 }, () => 'quick 10.0.0.2'))
  expect(resolver.asked).toEqual(['late', 'quick'])
})

test('with the next dial a name is asked for anew', () => {
  const resolver = new Resolver()
  const log: string[] = []
  const ask = asking(new NameLookups(resolver.lookup), log)
  ask('moved')
  resolver.answer('10.0.0.1')
  ask('moved')
  resolver.answer('10.0.0.2')
  expect(log).toEqual(['moved 10.0.0.1', 'moved 10.0.0.2'])
})

test('two kinds of addresses are two questions', () => {
  const resolver = new Resolver()
  const lookups = new NameLookups(resolver.lookup)
  const log: string[] = []
  for (const family of [4, 6]) {
    lookups.lookup('host', { ...ALL, family }, (_, address) => log.push(String(address)))
  }
  resolver.answer('10.0.0.1')
  resolver.answer('fd00::1')
  expect(log).toEqual(['10.0.0.1', 'fd00::1'])
})
