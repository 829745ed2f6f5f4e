import { Worker } from 'node:worker_threads'
import { Campaign, NO_FACTS, type RunResult } from '../sim/index.ts'
import type { Assignment } from './sim-seed.ts'
import type { Outcome } from './sim-worker.ts'

export interface RangeOptions {
  readonly first: number
  readonly last: number
  /** Worker threads. */
  readonly jobs: number
  readonly assignment: Omit<Assignment, 'seed'>
  /** A run has failed. */
  onFailure(result: RunResult): void
  /** Now and then. */
  onProgress(campaign: Campaign, wallMs: number): void
  onEnd(campaign: Campaign, wallMs: number): void
}

const PROGRESS_EVERY_MS = 10_000
/** From source or from what was compiled. */
const WORKER = new URL(`./sim-worker.${import.meta.url.slice(-2)}`, import.meta.url)

/** Runs the seeds `first` to `last`, each in the worker that is free next. The returned function ends it early. */
export function runRange(options: RangeOptions): () => void {
  const { first, last, jobs, assignment } = options
  const campaign = new Campaign()
  const startedMs = performance.now()
  const workers = new Set<Worker>()
  let next = first
  const progress = setInterval(
    () => options.onProgress(campaign, performance.now() - startedMs),
    PROGRESS_EVERY_MS,
  )
  const end = (): void => {
    clearInterval(progress)
    for (const worker of workers) void worker.terminate()
    options.onEnd(campaign, performance.now() - startedMs)
  }
  const add = (result: RunResult): void => {
    campaign.add(result)
    if (result.faults.length > 0) options.onFailure(result)
  }
  const hire = (): void => {
    const worker = new Worker(WORKER)
    let seed = 0
    const assign = (): void => {
      if (next > last) {
        workers.delete(worker)
        void worker.terminate()
        if (workers.size === 0) end()
        return
      }
      seed = next
      next += 1
      worker.postMessage({ seed, ...assignment } satisfies Assignment)
    }
    workers.add(worker)
    worker.on('message', ({ result }: Outcome) => {
      add(result)
      assign()
    })
    // Out of memory, for example. The seed has failed; somebody else does the rest.
    worker.on('error', (error) => {
      workers.delete(worker)
      add(failedRun(seed, error))
      hire()
    })
    assign()
  }
  for (let job = 0; job < Math.min(jobs, last - first + 1); job += 1) hire()
  return end
}

function failedRun(seed: number, error: unknown): RunResult {
  const message = error instanceof Error ? error.message : String(error)
  return {
    seed,
    faults: [{ rule: 'crash', message: `the worker ended: ${message}` }],
    traceHash: '',
    simulatedMs: 0,
    events: 0,
    operations: 0,
    answered: 0,
    facts: NO_FACTS,
    hits: new Map(),
  }
}
