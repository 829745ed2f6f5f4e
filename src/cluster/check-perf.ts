import type { Address } from '../env/index.ts'
import { formatAddress } from '../platform/sockets/index.ts'
import type { Reach } from './ask-word.ts'
import { type Distribution, formatMs } from './distribution.ts'
import { type ClockMeasurement, ClockWatch } from './measure-clock.ts'
import {
  type DiskMeasurement,
  type DiskOptions,
  LARGE_BYTES,
  measureDisk,
  SMALL_BYTES,
} from './measure-disk.ts'
import { measurePeer, type PeerMeasurement } from './measure-network.ts'

export interface PerfOptions {
  readonly disk: DiskOptions
  /** Client ports of the other servers. */
  readonly peers: readonly Address[]
  readonly reach: Reach
  /** How many of the other servers have to have a write before it counts. */
  readonly acksNeeded: number
  readonly tickTimeMs: number
  readonly signal: AbortSignal
}

/** `fair`: it works, and writes are slow or something is to be thought of. `bad`: not for production. */
export type Grade = 'bad' | 'fair' | 'good'

/** One thing that was looked at. */
export interface Finding {
  readonly subject: string
  readonly grade: Grade
  /** What was measured. */
  readonly text: string
  /** What the grade goes by; null where it needs no explanation. */
  readonly rule: string | null
}

export interface PerfReport {
  readonly grade: Grade
  readonly findings: readonly Finding[]
  readonly disk: DiskMeasurement
  readonly peers: readonly PeerMeasurement[]
  readonly clock: ClockMeasurement
}

/**
 * Measures disk, network and clock with bounded effort: a few megabytes, some seconds.
 * @throws ClusterError when the data folder cannot be used
 */
export async function checkPerf(options: PerfOptions): Promise<PerfReport> {
  const { reach, signal } = options
  const clock = new ClockWatch()
  try {
    const disk = await measureDisk(options.disk)
    const peers = await Promise.all(options.peers.map((peer) => measurePeer(peer, reach, signal)))
    return judge(disk, peers, clock.end(), options)
  } finally {
    clock.end()
  }
}

/* ------------------------------------------------------------------ the verdict */

/** Every write of every client waits for a sync on a quorum of the servers. etcd's advice for the same work is 10 ms. */
const SYNC_P99_MS = { good: 10, fair: 50 }
/** And for the way to the nearest ones and back. */
const ROUND_TRIP_MS = { good: 10, fair: 100 }
/** Below it, a server refuses writes before long. */
const FREE_BYTES = { good: 2 ** 30, fair: 2 ** 27 }
/** A step that time servers make all the time is smaller. */
const MOVED_MS_MAX = 100

/** Gone with the machine, or with the container. */
const FLEETING: ReadonlyMap<string, string> = new Map([
  ['tmpfs', 'memory: a restart of the machine loses everything'],
  ['ramfs', 'memory: a restart of the machine loses everything'],
])
const DOUBTFUL: ReadonlyMap<string, string> = new Map([
  ['overlay', "a container's own layer, which goes with the container: mount a volume"],
  ['nfs', 'on the network: a sync is as slow and as safe as the file server'],
  ['cifs', 'on the network: a sync is as slow and as safe as the file server'],
  ['smb', 'on the network: a sync is as slow and as safe as the file server'],
  ['9p', "the host's: a sync may end in its memory"],
  ['fuse', 'made by a program: whether it syncs is its own matter'],
])

export function judge(
  disk: DiskMeasurement,
  peers: readonly PeerMeasurement[],
  clock: ClockMeasurement,
  options: Pick<PerfOptions, 'acksNeeded' | 'tickTimeMs'>,
): PerfReport {
  const findings = [
    ...syncFindings(disk),
    fileSystemFinding(disk),
    spaceFinding(disk),
    ...peers.map(peerFinding),
    ...commitFindings(disk, peers, options.acksNeeded),
    ...clockFindings(clock, options.tickTimeMs),
  ]
  const grades = findings.map(({ grade }) => grade)
  const grade = grades.includes('bad') ? 'bad' : grades.includes('fair') ? 'fair' : 'good'
  return { grade, findings, disk, peers, clock }
}

function gradeOf(value: number, limits: { readonly good: number; readonly fair: number }): Grade {
  if (value <= limits.good) return 'good'
  return value <= limits.fair ? 'fair' : 'bad'
}

function syncFindings({ small, large }: DiskMeasurement): Finding[] {
  const rule = `p99 up to ${SYNC_P99_MS.good} ms is good, over ${SYNC_P99_MS.fair} ms bad`
  const finding = (subject: string, times: Distribution | null, bytes: number): Finding[] => {
    if (times === null) return []
    const text = `${describe(times)}, ${times.count} writes of ${bytes} bytes`
    return [{ subject, grade: gradeOf(times.p99, SYNC_P99_MS), text, rule }]
  }
  return [
    ...finding('sync of one transaction', small, SMALL_BYTES),
    ...finding('sync of a group', large, LARGE_BYTES),
  ]
}

function fileSystemFinding({ folder, fileSystem }: DiskMeasurement): Finding {
  const name = fileSystem ?? 'unknown type'
  const bad = FLEETING.get(name)
  const doubt = DOUBTFUL.get(name)
  const grade = bad !== undefined ? 'bad' : doubt !== undefined ? 'fair' : 'good'
  return { subject: 'file system', grade, text: `${name} at ${folder}`, rule: bad ?? doubt ?? null }
}

function spaceFinding({ freeBytes }: DiskMeasurement): Finding {
  const { good, fair } = FREE_BYTES
  const grade = freeBytes >= good ? 'good' : freeBytes >= fair ? 'fair' : 'bad'
  const text = `${Math.floor(freeBytes / 2 ** 20)} MiB free`
  return { subject: 'space', grade, text, rule: '1024 MiB are good, less than 128 MiB bad' }
}

function peerFinding({ address, roundTrips, failure }: PeerMeasurement): Finding {
  const subject = `way to ${formatAddress(address)}`
  if (failure !== null || roundTrips === null) {
    return { subject, grade: 'bad', text: failure ?? 'not measured', rule: 'it must be reachable' }
  }
  const { good, fair } = ROUND_TRIP_MS
  const rule = `p99 up to ${good} ms is good, over ${fair} ms bad`
  const text = `${describe(roundTrips)}, ${roundTrips.count} connections`
  return { subject, grade: gradeOf(roundTrips.p99, ROUND_TRIP_MS), text, rule }
}

/** The least a write takes here: the nearest peers that make a quorum with this server, and their disks. */
function commitFindings(
  { small }: DiskMeasurement,
  peers: readonly PeerMeasurement[],
  acksNeeded: number,
): Finding[] {
  const ways = peers.flatMap(({ roundTrips }) => (roundTrips === null ? [] : [roundTrips.p50]))
  const way = ways.sort((a, b) => a - b)[acksNeeded - 1]
  if (small === null || acksNeeded < 1 || way === undefined) return []
  const text = `about ${formatMs(way + small.p50)}: the way to the nearest ${acksNeeded} of ${peers.length}, and a sync`
  return [{ subject: 'a write', grade: 'good', text, rule: null }]
}

function clockFindings({ lateness, movedMs }: ClockMeasurement, tickTimeMs: number): Finding[] {
  const limits = { good: tickTimeMs / 10, fair: tickTimeMs / 2 }
  const moved: Finding[] =
    Math.abs(movedMs) <= MOVED_MS_MAX
      ? []
      : [
          {
            subject: 'wall clock',
            grade: 'fair',
            text: `moved by ${formatMs(movedMs)} meanwhile`,
            rule: 'times of znodes and log lines go by it; sessions do not',
          },
        ]
  if (lateness === null) return moved
  const rule = `up to ${formatMs(limits.good)} is good, over half a tick, ${formatMs(limits.fair)}, bad`
  const text = `${describe(lateness)} late, ${lateness.count} timers`
  const grade = gradeOf(lateness.max, limits)
  return [{ subject: 'standstills', grade, text, rule }, ...moved]
}

function describe({ p50, p99, max }: Distribution): string {
  return `p50 ${formatMs(p50)}, p99 ${formatMs(p99)}, max ${formatMs(max)}`
}

/* ------------------------------------------------------------------ output */

const VERDICTS: Readonly<Record<Grade, string>> = {
  good: 'suits a server',
  fair: 'works, with reservations',
  bad: 'does not suit a server',
}

export function renderPerf({ grade, findings }: PerfReport): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length))
  const lines = findings.map((finding) => {
    const rule = finding.rule === null ? '' : ` (${finding.rule})`
    return `${finding.grade.padEnd(4)}  ${finding.subject.padEnd(width)}  ${finding.text}${rule}`
  })
  return [...lines, `${grade}: ${VERDICTS[grade]}`].map((line) => `${line}\n`).join('')
}

export function perfDocument({ grade, findings, disk, peers, clock }: PerfReport): object {
  return {
    grade,
    findings,
    disk,
    peers: peers.map(({ address, ...peer }) => ({ address: formatAddress(address), ...peer })),
    clock,
  }
}
