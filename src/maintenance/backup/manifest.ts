import { formatHex, type Zxid } from '../../base/index.ts'
import { MaintenanceError } from '../maintenance-error.ts'

/** A whole state. Its file is a `snapshot.<zxid>` of Apache ZooKeeper. */
export interface BackupSnapshot {
  readonly file: string
  readonly zxid: Zxid
  readonly bytes: number
  readonly sha256: string
  readonly znodes: number
  readonly sessions: number
  /** Of the newest change that is still visible in it, Unix ms: the state is of this time or later. */
  readonly newestMs: number
  readonly madeMs: number
}

/** Transactions without a hole. Its file is a `log.<zxid>` of Apache ZooKeeper. */
export interface BackupLog {
  readonly file: string
  readonly firstZxid: Zxid
  readonly lastZxid: Zxid
  readonly entries: number
  readonly bytes: number
  readonly sha256: string
  readonly firstMs: number
  readonly lastMs: number
}

/**
 * What `backup.json` says about the files beside it: states, and the transactions that lead from one to the next and
 * beyond. Everything is of one history.
 */
export interface Manifest {
  readonly snapshots: readonly BackupSnapshot[]
  readonly logs: readonly BackupLog[]
  /** Of the log it comes from, hex; null when it came from a running server. */
  readonly folderId: string | null
  /** SHA-256 of the last transaction, by which its history is known again; null when there is none. */
  readonly lastTxn: string | null
  /** Text of the source's `myid`. */
  readonly myid: string | null
  readonly acceptedEpoch: number
  readonly currentEpoch: number
}

export const MANIFEST_NAME = 'backup.json'
const FORMAT = 'zabkeeper-backup'
const VERSION = 1

export const NO_MANIFEST: Manifest = {
  snapshots: [],
  logs: [],
  folderId: null,
  lastTxn: null,
  myid: null,
  acceptedEpoch: 0,
  currentEpoch: 0,
}

/** The last transaction that a backup knows. */
export function lastZxidOf({ snapshots, logs }: Manifest): Zxid | null {
  const zxids = [...snapshots.map(({ zxid }) => zxid), ...logs.map(({ lastZxid }) => lastZxid)]
  return zxids.reduce<Zxid | null>(
    (last, zxid) => (last === null || zxid > last ? zxid : last),
    null,
  )
}

export function manifestText(manifest: Manifest): string {
  const json = { format: FORMAT, version: VERSION, ...manifest }
  const text = JSON.stringify(
    json,
    (_, value: unknown) => (typeof value === 'bigint' ? formatHex(value) : value),
    2,
  )
  return `${text}\n`
}

/** @throws MaintenanceError when it is not one, or one of a later version */
export function parseManifest(text: string, where: string): Manifest {
  const json = parseJson(text, where)
  if (json.format !== FORMAT) throw broken(where, `it does not say "format": "${FORMAT}"`)
  if (json.version !== VERSION) {
    throw new MaintenanceError(
      `${where} is of format version ${String(json.version)}; use the version of zabkeeper that wrote it, or a newer one`,
    )
  }
  const reader = new Reader(where)
  return {
    snapshots: reader.list(json.snapshots, 'snapshots').map((each) => reader.snapshot(each)),
    logs: reader.list(json.logs, 'logs').map((each) => reader.log(each)),
    folderId: json.folderId === null ? null : reader.text(json, 'folderId'),
    lastTxn: json.lastTxn === null ? null : reader.text(json, 'lastTxn'),
    myid: json.myid === null ? null : reader.text(json, 'myid'),
    acceptedEpoch: reader.number(json, 'acceptedEpoch'),
    currentEpoch: reader.number(json, 'currentEpoch'),
  }
}

interface Json {
  readonly format?: unknown
  readonly version?: unknown
  readonly snapshots?: unknown
  readonly logs?: unknown
  readonly folderId?: unknown
  readonly lastTxn?: unknown
  readonly myid?: unknown
  readonly [name: string]: unknown
}

function parseJson(text: string, where: string): Json {
  try {
    const json: unknown = JSON.parse(text)
    if (isObject(json)) return json
  } catch {
    throw broken(where, 'it is no JSON, so it was cut or changed')
  }
  throw broken(where, 'it is no JSON object')
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class Reader {
  readonly #where: string

  constructor(where: string) {
    this.#where = where
  }

  list(value: unknown, name: string): readonly Json[] {
    if (Array.isArray(value) && value.every(isObject)) return value
    throw broken(this.#where, `${name} is no list`)
  }

  snapshot(json: Json): BackupSnapshot {
    return {
      file: this.#fileName(json),
      zxid: this.#zxid(json, 'zxid'),
      bytes: this.number(json, 'bytes'),
      sha256: this.text(json, 'sha256'),
      znodes: this.number(json, 'znodes'),
      sessions: this.number(json, 'sessions'),
      newestMs: this.number(json, 'newestMs'),
      madeMs: this.number(json, 'madeMs'),
    }
  }

  log(json: Json): BackupLog {
    return {
      file: this.#fileName(json),
      firstZxid: this.#zxid(json, 'firstZxid'),
      lastZxid: this.#zxid(json, 'lastZxid'),
      entries: this.number(json, 'entries'),
      bytes: this.number(json, 'bytes'),
      sha256: this.text(json, 'sha256'),
      firstMs: this.number(json, 'firstMs'),
      lastMs: this.number(json, 'lastMs'),
    }
  }

  text(json: Json, name: string): string {
    const value = json[name]
    if (typeof value === 'string') return value
    throw broken(this.#where, `${name} is missing`)
  }

  number(json: Json, name: string): number {
    const value = json[name]
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw broken(this.#where, `${name} is missing`)
  }

  #zxid(json: Json, name: string): Zxid {
    const text = this.text(json, name)
    if (/^0x[0-9a-f]{1,16}$/.test(text)) return BigInt.asIntN(64, BigInt(text)) as Zxid
    throw broken(this.#where, `${name} is no zxid`)
  }

  /** Nothing outside of the folder is ever named. */
  #fileName(json: Json): string {
    const name = this.text(json, 'file')
    if (/^(log|snapshot)\.[0-9a-f]{1,16}$/.test(name)) return name
    throw broken(this.#where, `${JSON.stringify(name)} is no file of a backup`)
  }
}

function broken(where: string, reason: string): MaintenanceError {
  return new MaintenanceError(`${where} is no list of a backup: ${reason}; use another backup`)
}
