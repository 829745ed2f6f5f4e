/** What the operating system and Node say about the process, for `envi` and `mntr`. */
export interface ProcessStatus {
  readonly hostName: string
  /** `v20.19.0` */
  readonly nodeVersion: string
  /** Path of the node program. */
  readonly nodePath: string
  readonly temporaryFolder: string
  /** As Java would spell them: `Linux`, `amd64`. */
  readonly osName: string
  readonly osArch: string
  readonly osVersion: string
  readonly userName: string
  readonly userHome: string
  readonly workingFolder: string
  readonly heapFreeBytes: number
  readonly heapMaxBytes: number
  readonly heapTotalBytes: number
  /** Null where the system does not tell. */
  readonly openFiles: number | null
  readonly openFilesMax: number | null
  readonly runtime: () => RuntimeStatus
}

/** One of the collectors of garbage since the process began. */
export interface GcStatus {
  /** `minor`, `major`, `incremental`, `weakcb` */
  readonly collector: string
  readonly count: number
  readonly seconds: number
}

/** One part of the heap. */
export interface HeapSpaceStatus {
  /** `new_space` */
  readonly name: string
  readonly usedBytes: number
  readonly committedBytes: number
}

/** How the process is at this moment, for the metrics. Asking costs more than the rest of {@link ProcessStatus}. */
export interface RuntimeStatus {
  /** Of the user and of the kernel for it. */
  readonly cpuSeconds: number
  /** Unix time. */
  readonly startedAtSeconds: number
  readonly residentBytes: number
  /** Null where the system does not tell. */
  readonly virtualBytes: number | null
  readonly heapUsedBytes: number
  /** Buffers and the like, outside of the heap. */
  readonly externalBytes: number
  readonly heapSpaces: readonly HeapSpaceStatus[]
  /** Empty while nobody watches the collector. */
  readonly collections: readonly GcStatus[]
  /** Threads by the letter that Linux has for their state (`R`, `S`, `D`); null where the system does not tell. */
  readonly threads: ReadonlyMap<string, number> | null
}
