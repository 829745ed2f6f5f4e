import { parentPort } from 'node:worker_threads'
import type { RunResult } from '../sim/index.ts'
import { type Assignment, runSeed } from './sim-seed.ts'

export interface Outcome {
  readonly result: RunResult
}

// Servers make many errors that nobody prints; their stacks cost more than they do. A run alone shows them.
Error.stackTraceLimit = 0

parentPort?.on('message', (assignment: Assignment) => {
  parentPort!.postMessage({ result: runSeed(assignment) } satisfies Outcome)
})
