import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment, IoError } from '../../src/env/index.ts'
import { openPlatform } from '../../src/platform/index.ts'
import type { SimWorld } from '../../src/sim/index.ts'

/** Where a contract suite runs: an environment, and a way to let its world go on. */
export interface Stage {
  readonly env: Environment
  /** The address under which the environment's machine can be reached. */
  readonly host: string
  /** A fresh folder name; nothing exists there yet. */
  folder(): string
  /** Lets the world go on until `isDone`. */
  until(isDone: () => boolean): Promise<void>
  /** Lets everything happen that is about to happen. For asserting that something does not. */
  settle(): Promise<void>
  /** Ends everything that the suite has left behind. */
  close(): void
}

export type OpenStage = () => Stage

/** The operating system. */
export const openRealStage: OpenStage = () => {
  const base = mkdtempSync(join(tmpdir(), 'zabkeeper-contract-'))
  let folders = 0
  return {
    env: openPlatform({ log: { level: 'error', fd: 2 } }),
    host: '127.0.0.1',
    folder: () => {
      folders += 1
      return join(base, `folder-${folders}`)
    },
    until: async (isDone) => {
      while (!isDone()) await nextTurn()
    },
    settle: async () => {
      for (let i = 0; i < 50; i += 1) await nextTurn()
    },
    close: () => rmSync(base, { recursive: true, force: true }),
  }
}

/** A simulated world. */
export function simStage(world: SimWorld, env: Environment, host: string): Stage {
  let folders = 0
  return {
    env,
    host,
    folder: () => {
      folders += 1
      return `/data/folder-${folders}`
    },
    until: async (isDone) => {
      const isReached = world.events.runUntilDone(isDone)
      if (!isReached) throw new Error(`seed=${world.seed}: nothing is left to happen`)
    },
    settle: async () => world.events.runUntil(world.events.nowMs + 500),
    close: () => {},
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export interface Outcome<T> {
  readonly error: IoError | null
  readonly value: T | null
}

/** Runs a callback operation to its end and checks the rules of `Done`: exactly once, never inside the call. */
export async function outcomeOf<T>(
  stage: Stage,
  start: (done: (error: IoError | null, value?: T | null) => void) => void,
): Promise<Outcome<T>> {
  let calls = 0
  let isStarting = true
  let outcome: Outcome<T> = { error: null, value: null }
  start((error, value) => {
    if (isStarting) throw new Error('the completion was called inside the call')
    calls += 1
    outcome = { error, value: value ?? null }
  })
  isStarting = false
  await stage.until(() => calls > 0)
  if (calls !== 1) throw new Error(`the completion was called ${calls} times`)
  return outcome
}

/** Like {@link outcomeOf} for what must succeed. */
export async function succeed<T>(
  stage: Stage,
  start: (done: (error: IoError | null, value: T | null) => void) => void,
): Promise<T> {
  const { error, value } = await outcomeOf<T>(stage, (done) => start(done))
  if (error !== null) throw error
  return value as T
}

/** Like {@link outcomeOf} for what must succeed and yields nothing. */
export async function finish(
  stage: Stage,
  start: (done: (error: IoError | null) => void) => void,
): Promise<void> {
  const { error } = await outcomeOf<never>(stage, start)
  if (error !== null) throw error
}

/** The code of the error of an operation that must fail. */
export async function codeOf<T>(
  stage: Stage,
  start: (done: (error: IoError | null, value?: T | null) => void) => void,
): Promise<string> {
  const { error, value } = await outcomeOf<T>(stage, start)
  if (error === null) throw new Error('the operation succeeded')
  if (value !== null) throw new Error('a failed operation yielded something')
  return error.code
}

/** One byte per character. */
export function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

export function text(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1')
}
