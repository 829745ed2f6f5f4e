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
}
