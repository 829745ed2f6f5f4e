import { readdirSync, readFileSync } from 'node:fs'
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics } from 'node:v8'
import type { GcStatus, RuntimeStatus } from '../../env/index.ts'

/** Older types do not know that an entry has a detail. */
interface GcEntry extends PerformanceEntry {
  readonly detail: { readonly kind: number }
}

const COLLECTORS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
])

const collections: Map<string, { count: number; seconds: number }> = new Map()

/** Counts the runs of the garbage collector from now on, in the whole process. May be called once. */
export function watchCollections(): void {
  for (const name of COLLECTORS.values()) collections.set(name, { count: 0, seconds: 0 })
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as GcEntry).detail
      const known = collections.get(COLLECTORS.get(kind) ?? '')
      if (known === undefined) continue
      known.count += 1
      known.seconds += entry.duration / 1000
    }
  })
  observer.observe({ entryTypes: ['gc'] })
}

/** Reads what the metrics show of this process. */
export function readRuntime(): RuntimeStatus {
  const { user, system } = process.cpuUsage()
  const memory = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    startedAtSeconds: performance.timeOrigin / 1000,
    residentBytes: memory.rss,
    virtualBytes: readVirtualBytes(),
    heapUsedBytes: memory.heapUsed,
    externalBytes: memory.external,
    heapSpaces: getHeapSpaceStatistics().map((space) => ({
      name: space.space_name,
      usedBytes: space.space_used_size,
      committedBytes: space.physical_space_size,
    })),
    collections: [...collections].map(([collector, run]): GcStatus => ({ collector, ...run })),
    threads: countThreads(),
  }
}

function readVirtualBytes(): number | null {
  try {
    const size = /^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return size === undefined ? null : Number(size) * 1024
  } catch {
    return null
  }
}

/** The state is the first letter behind the name, which is in brackets and may hold anything. */
function countThreads(): ReadonlyMap<string, number> | null {
  const states = new Map<string, number>()
  try {
    for (const thread of readdirSync('/proc/self/task')) {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')
      const state = stat.charAt(stat.lastIndexOf(')') + 2)
      states.set(state, (states.get(state) ?? 0) + 1)
    }
  } catch {
    // A thread that ended between the two readings is one reading without the rest.
    return states.size === 0 ? null : states
  }
  return states
}
