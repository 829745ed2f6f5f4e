import type { ProcessStatus, RuntimeStatus } from '../env/index.ts'

/** Metrics of the process and its runtime, as Prometheus' libraries name them. */
export interface ProcessFamily {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge' | 'summary'
  readonly samples: readonly {
    /** Of a summary: `_count`, `_sum`. */
    readonly suffix: string
    readonly labels: readonly (readonly [name: string, value: string])[]
    readonly value: number
  }[]
}

type Samples = ProcessFamily['samples']

/** What the system does not tell is left out. */
export function processFamilies(host: ProcessStatus): readonly ProcessFamily[] {
  const runtime = host.runtime()
  return [...ofProcess(host, runtime), ...ofRuntime(host, runtime), ...ofThreads(runtime)]
}

function ofProcess(host: ProcessStatus, runtime: RuntimeStatus): ProcessFamily[] {
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Total user and system CPU time spent in seconds.',
      kind: 'counter',
      samples: one(runtime.cpuSeconds),
    },
    gauge(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      one(runtime.startedAtSeconds),
    ),
    gauge('process_open_fds', 'Number of open file descriptors.', one(host.openFiles)),
    gauge('process_max_fds', 'Maximum number of open file descriptors.', one(host.openFilesMax)),
    gauge(
      'process_virtual_memory_bytes',
      'Virtual memory size in bytes.',
      one(runtime.virtualBytes),
    ),
    gauge(
      'process_resident_memory_bytes',
      'Resident memory size in bytes.',
      one(runtime.residentBytes),
    ),
  ]
}

/** The names that dashboards know from Java, filled with what V8 has in that place. */
function ofRuntime(host: ProcessStatus, runtime: RuntimeStatus): ProcessFamily[] {
  const { heapSpaces, collections } = runtime
  return [
    gauge(
      'jvm_info',
      'The runtime, which is no JVM.',
      labelled([['version', host.nodeVersion]], 'runtime', 'Node.js', 1),
    ),
    gauge('jvm_memory_bytes_used', 'Used bytes of the heap, and of buffers outside of it.', [
      ...labelled([], 'area', 'heap', runtime.heapUsedBytes),
      ...labelled([], 'area', 'nonheap', runtime.externalBytes),
    ]),
    gauge('jvm_memory_bytes_committed', 'Bytes that the heap has of the system.', [
      ...labelled([], 'area', 'heap', host.heapTotalBytes),
    ]),
    gauge('jvm_memory_bytes_max', 'The most that the heap may have; -1 is without a bound.', [
      ...labelled([], 'area', 'heap', host.heapMaxBytes),
      ...labelled([], 'area', 'nonheap', -1),
    ]),
    gauge(
      'jvm_memory_pool_bytes_used',
      'Used bytes of one space of the heap.',
      heapSpaces.flatMap(({ name, usedBytes }) => labelled([], 'pool', name, usedBytes)),
    ),
    gauge(
      'jvm_memory_pool_bytes_committed',
      'Bytes that one space of the heap has of the system.',
      heapSpaces.flatMap(({ name, committedBytes }) => labelled([], 'pool', name, committedBytes)),
    ),
    {
      name: 'jvm_gc_collection_seconds',
      help: 'Time spent in a given garbage collector in seconds.',
      kind: 'summary',
      samples: collections.flatMap(({ collector, count, seconds }) => [
        { suffix: '_count', labels: [['gc', collector]], value: count },
        { suffix: '_sum', labels: [['gc', collector]], value: seconds },
      ]),
    },
    gauge('jvm_classes_loaded', 'Always 0: nothing here is loaded as classes.', one(0)),
  ]
}

/** Java's states, by the letters that Linux has for what a thread is doing. */
const THREAD_STATES: readonly (readonly [state: string, letters: string])[] = [
  ['RUNNABLE', 'R'],
  ['BLOCKED', 'D'],
  ['WAITING', 'SI'],
  ['TIMED_WAITING', 'TtP'],
  ['TERMINATED', 'ZX'],
]

function ofThreads({ threads }: RuntimeStatus): ProcessFamily[] {
  if (threads === null) return []
  const inState = (letters: string): number => {
    return [...letters].reduce((sum, letter) => sum + (threads.get(letter) ?? 0), 0)
  }
  const all = [...threads.values()].reduce((sum, count) => sum + count, 0)
  return [
    gauge('jvm_threads_current', 'Threads of the process.', one(all)),
    gauge('jvm_threads_deadlocked', 'Always 0: no thread here waits for a lock.', one(0)),
    gauge(
      'jvm_threads_state',
      'Threads by what the kernel says they are doing.',
      THREAD_STATES.flatMap(([state, letters]) => labelled([], 'state', state, inState(letters))),
    ),
  ]
}

function gauge(name: string, help: string, samples: Samples): ProcessFamily {
  return { name, help, kind: 'gauge', samples }
}

function one(value: number | null): Samples {
  return value === null ? [] : [{ suffix: '', labels: [], value }]
}

function labelled(
  others: readonly (readonly [name: string, value: string])[],
  label: string,
  of: string,
  value: number,
): Samples {
  return [{ suffix: '', labels: [[label, of], ...others], value }]
}
