import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ServerProcess } from '../../../bench/servers/index.ts'
import {
  discardServer,
  kazoo,
  Program,
  passedSteps,
  skipWithout,
  startServer,
} from './support/index.ts'

const peer = await kazoo()

describe.skipIf(skipWithout(peer))('kazoo', { timeout: 240_000 }, () => {
  let server: ServerProcess

  beforeAll(async () => {
    server = await startServer({ tickTime: 500, config: ['maxSessionTimeout=60000'] })
  })

  afterAll(async () => {
    await discardServer(server)
  })

  function start(script: string): Program {
    const file = path.join(import.meta.dirname, 'kazoo', script)
    return new Program(peer.found ?? '', ['-B', file, server.address], { timeoutMs: 220_000 })
  }

  test('makes every request', async () => {
    const { code, output } = await start('session.py').finished()
    const persistent = output.includes('has no add_watch') ? [] : ['persistent watches']
    expect(passedSteps(output), output).toEqual([
      'create and read',
      'set and versions',
      'children',
      'sequential',
      'ephemeral',
      'watches',
      ...persistent,
      'transactions',
      'acls',
      'asynchronous',
      'four-letter words',
    ])
    expect(code).toBe(0)
  })

  test('runs its recipes', async () => {
    const { code, output } = await start('recipes.py').finished()
    expect(passedSteps(output), output).toEqual([
      'lock',
      'read-write lock',
      'semaphore',
      'election',
      'barrier',
      'double barrier',
      'counter',
      'queue',
      'party',
      'data and children watch',
      'tree cache',
      'partitioner',
    ])
    expect(code).toBe(0)
  })

  test('keeps its session over a restart, and loses it by expiry only', async () => {
    const program = start('restart.py')
    for (const request of ['kill and start', 'stop and start', 'kill and start']) {
      const seen = program.output.length
      await program.waitFor(`ask ${request}`, seen)
      if (request.startsWith('kill')) await server.kill()
      else await server.stop()
      await server.start()
      program.writeLine('done')
    }
    const { code, output } = await program.finished()
    expect(passedSteps(output), output).toEqual([
      'before',
      'same session after kill -9',
      'same session after a graceful stop',
      'expiry',
      'expiry over a restart',
    ])
    expect(code).toBe(0)
  })
})
