import { statSync } from 'node:fs'
import path from 'node:path'
import { logsAfter, parseApacheName, type SourceFile } from '../../apache-files/index.ts'
import { formatHex, NO_ZXID, type SessionId, type Zxid } from '../../base/index.ts'
import { RecordKind } from '../../storage/index.ts'
import { endFault, forEachApacheRecord } from '../apache-state.ts'
import { RangeFile } from '../backup/range-file.ts'
import { type ApacheFolder, isFile, lookAtFolder, namesOf, notOurs } from '../folder-kind.ts'
import { MaintenanceError } from '../maintenance-error.ts'
import { affectedZxids, type LogRecord, readOurLog } from '../our-log.ts'
import { count, number } from '../text.ts'
import { concerns, type DumpedEntry, dumpEntry } from './entry.ts'

export interface DumpFilter {
  readonly from: Zxid | null
  readonly to: Zxid | null
  /** This znode and those below it. */
  readonly path: string | null
  readonly session: SessionId | null
}

/** Takes what is dumped, in the order of the log. */
export interface DumpSink {
  entry(entry: DumpedEntry): void
  /** Something between transactions: an epoch, a checkpoint, damage. `isFault` when it is not as it should be. */
  remark(text: string, isFault: boolean): void
}

export interface DumpReport {
  readonly entries: number
  readonly shown: number
  /** Something is damaged. */
  readonly isDamaged: boolean
}

/**
 * Reads a log without changing anything: of a data folder of ours or of Apache's, or a single `log.<zxid>`. A server may
 * be writing to it. @throws MaintenanceError when there is none
 */
export async function dumpLog(
  where: string,
  logDir: string | null,
  filter: DumpFilter,
  sink: DumpSink,
): Promise<DumpReport> {
  if (isFile(where)) {
    const parsed = parseApacheName(path.basename(where))
    if (parsed?.kind !== 'log') throw noLogFile(where)
    return await new Dump(filter, sink).apacheFiles([apacheFile(where, parsed.zxid)])
  }
  const folder = lookAtFolder(where, logDir)
  if (folder.kind === 'ours') return await new Dump(filter, sink).ourLog(folder.logPath)
  if (folder.kind !== 'apache') throw notOurs(folder)
  const from = filter.from ?? NO_ZXID
  return await new Dump(filter, sink).apacheFiles(logsAfter(apacheLogs(folder), from))
}

/** The `log.<zxid>` files of a folder of Apache's, in no order. */
export function apacheLogs({ dataLogDir }: ApacheFolder): SourceFile[] {
  const folder = filesFolder(dataLogDir)
  const logs: SourceFile[] = []
  for (const name of namesOf(folder) ?? []) {
    const parsed = parseApacheName(name)
    if (parsed?.kind === 'log') logs.push(apacheFile(path.join(folder, name), parsed.zxid))
  }
  return logs
}

/** Where Apache keeps its files; given that folder itself, it is the one. */
export function filesFolder(dataDir: string): string {
  const folder = path.join(dataDir, 'version-2')
  return namesOf(folder) === null ? dataDir : folder
}

function apacheFile(file: string, zxid: Zxid): SourceFile {
  return new RangeFile({ file, start: 0, bytes: statSync(file).size }, zxid)
}

function noLogFile(where: string): MaintenanceError {
  return new MaintenanceError(
    `${where} is no log by its name; give a data folder, or a file log.<zxid> of Apache ZooKeeper`,
  )
}

const CONTROL_NAMES: ReadonlyMap<number, string> = new Map([
  [RecordKind.acceptedEpoch, 'acceptedEpoch'],
  [RecordKind.currentEpoch, 'currentEpoch'],
  [RecordKind.truncate, 'truncate: what comes before it with a greater zxid was taken back, at'],
  [RecordKind.snapshotInstalled, 'snapshot from the leader: everything before it is replaced, at'],
  [RecordKind.checkpointIntent, 'checkpoint begun at'],
  [RecordKind.checkpointDone, 'checkpoint written at'],
])

class Dump {
  readonly #filter: DumpFilter
  readonly #sink: DumpSink
  readonly #isFiltered: boolean
  #entries = 0
  #shown = 0
  #isDamaged = false

  constructor(filter: DumpFilter, sink: DumpSink) {
    this.#filter = filter
    this.#sink = sink
    this.#isFiltered = filter.path !== null || filter.session !== null
  }

  async ourLog(logPath: string): Promise<DumpReport> {
    const log = await readOurLog(logPath, (record) => this.#ourRecord(logPath, record))
    for (const problem of log.problems) {
      const what = `${problem.file} at byte ${number(problem.offset)}: ${problem.reason}. Affected: ${affectedZxids(problem)}`
      this.#fault(what)
    }
    if (log.torn !== null) {
      const { file, offset, bytes } = log.torn
      const what = `the log ends at byte ${number(offset)} of ${file}: behind it ${count(bytes, 'byte')} of an unfinished write, never acknowledged`
      this.#sink.remark(what, false)
    }
    return this.#report()
  }

  async apacheFiles(files: readonly SourceFile[]): Promise<DumpReport> {
    for (const file of files) {
      const end = await forEachApacheRecord(file, ({ zxid, bytes, start, end: to, offset }) => {
        this.#take(zxid, bytes, start, to, file.path, offset)
        return this.#filter.to === null || zxid < this.#filter.to
      })
      const fault = endFault(file, end)
      if (fault === null) continue
      const what = `${fault}: ${count(file.sizeBytes - end.offset, 'byte')} from there on are not read`
      if (end.kind === 'wrong') this.#fault(what)
      else this.#sink.remark(`${what}; a server that was stopped by force leaves that`, false)
    }
    return this.#report()
  }

  #ourRecord(logPath: string, record: LogRecord): void {
    const { kind, zxid, bytes, start, end, view, segment } = record
    const file = path.join(logPath, `${String(segment).padStart(10, '0')}.log`)
    if (kind === RecordKind.entry) {
      this.#take(zxid, bytes, start, end, file, start)
      return
    }
    if (this.#isFiltered) return
    const name = CONTROL_NAMES.get(kind) ?? `record of kind ${kind}`
    const isEpoch = kind === RecordKind.acceptedEpoch || kind === RecordKind.currentEpoch
    const isMark = kind === RecordKind.checkpointIntent || kind === RecordKind.checkpointDone
    const at = isMark ? view.getBigInt64(start + 4) : zxid
    if (!isEpoch && !this.#isInRange(at)) return
    this.#sink.remark(`${name} ${isEpoch ? view.getUint32(start) : formatHex(at)}`, false)
  }

  #take(
    zxid: Zxid,
    bytes: Uint8Array,
    start: number,
    end: number,
    file: string,
    offset: number,
  ): void {
    this.#entries++
    if (!this.#isInRange(zxid)) return
    const entry = dumpEntry(bytes, start, end, file, offset)
    if ('fault' in entry) {
      this.#fault(`transaction ${formatHex(zxid)} cannot be decoded: ${entry.fault}`)
      return
    }
    const { path: root, session } = this.#filter
    if (session !== null && entry.session !== session) return
    if (root !== null && !concerns(entry.op, root)) return
    this.#shown++
    this.#sink.entry(entry)
  }

  #isInRange(zxid: bigint): boolean {
    const { from, to } = this.#filter
    return (from === null || zxid >= from) && (to === null || zxid <= to)
  }

  #fault(what: string): void {
    this.#isDamaged = true
    this.#sink.remark(what, true)
  }

  #report(): DumpReport {
    return { entries: this.#entries, shown: this.#shown, isDamaged: this.#isDamaged }
  }
}
