import { snapshotFileName } from '../../apache-files/index.ts'
import type { Zxid } from '../../base/index.ts'
import { loadSnapshot } from '../apache-state.ts'
import { MaintenanceError, messageOf } from '../maintenance-error.ts'
import { type Progress, parseZxid } from '../text.ts'
import { type BackupReport, chainFor, factsOf, inTarget, verifyWritten } from './make-backup.ts'
import {
  type BackupSnapshot,
  lastZxidOf,
  MANIFEST_NAME,
  type Manifest,
  manifestText,
} from './manifest.ts'
import { RangeFile } from './range-file.ts'

/** The admin port of a server, ours or Apache's from 3.9 on. */
export interface AdminPort {
  /** `host:port`, or `http://host:port`. */
  readonly address: string
  /** Value of the header `Authorization`: `Bearer <token>`, `digest user:password`. */
  readonly authorization: string | null
}

const ANSWER_MS_MAX = 60_000

/**
 * Fetches the state of a running server and adds it to a folder (or makes a tar file of it). It is a state only: no
 * transactions come with it, so that exactly these states can be restored. @throws MaintenanceError
 */
export async function backUpServer(
  port: AdminPort,
  to: string,
  onProgress: Progress,
): Promise<BackupReport> {
  const { zxid, bytes, body } = await requestSnapshot(port)
  const chain = await chainFor(to, async ({ manifest }) => {
    const last = lastZxidOf(manifest)
    return manifest.folderId === null && manifest.logs.length === 0 && last !== null && last <= zxid
  })
  const { target, manifest } = chain
  const isThere = manifest.snapshots.some((known) => known.zxid === zxid)
  const report = await inTarget(target, async () => {
    const snapshot = isThere
      ? null
      : await receive(chain, zxid, counted(body, bytes, onProgress), onProgress)
    const all: Manifest = {
      ...manifest,
      snapshots: snapshot === null ? manifest.snapshots : [...manifest.snapshots, snapshot],
    }
    await target.commit(MANIFEST_NAME, manifestText(all))
    return {
      chain: chain.name,
      isContinued: manifest.snapshots.length > 0,
      snapshot,
      log: null,
      firstZxid: all.snapshots[0]!.zxid,
      lastZxid: lastZxidOf(all)!,
      verifiedBytes: await verifyWritten(to, chain.name, onProgress),
    }
  })
  if (isThere) await body.cancel()
  return report!
}

interface Answer {
  readonly zxid: Zxid
  /** 0 when the server does not say. */
  readonly bytes: number
  readonly body: ReadableStream<Uint8Array>
}

async function requestSnapshot({ address, authorization }: AdminPort): Promise<Answer> {
  const base = /^https?:\/\//.test(address) ? address.replace(/\/+$/, '') : `http://${address}`
  const url = `${base}/commands/snapshot?streaming=true`
  const response = await ask(url, authorization)
  if (!response.ok) throw await refusedBy(url, response)
  const zxid = response.headers.get('last_zxid')
  if (zxid === null || response.body === null) {
    throw new MaintenanceError(
      `${url} answers with something else than a snapshot; give the admin port of a server (admin.serverPort)`,
    )
  }
  return {
    zxid: parseZxid(zxid, 'last_zxid'),
    bytes: Number(response.headers.get('snapshot_size') ?? 0),
    body: response.body,
  }
}

async function ask(url: string, authorization: string | null): Promise<Response> {
  const headers: Record<string, string> = authorization === null ? {} : { authorization }
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), ANSWER_MS_MAX)
  try {
    return await fetch(url, { headers, redirect: 'error', signal: limit.signal })
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    throw new MaintenanceError(
      `no answer from ${url}: ${messageOf(cause)}; is admin.enableServer on, and is it the admin port?`,
    )
  } finally {
    clearTimeout(timer)
  }
}

async function refusedBy(url: string, response: Response): Promise<MaintenanceError> {
  const text = await response.text()
  const found = /"error"\s*:\s*"([^"]*)"/.exec(text)
  const reason = found === null ? response.statusText : found[1]!
  const isAuth = response.status === 401 || response.status === 403
  const next = isAuth ? '; say who you are with --auth, e.g. --auth "Bearer <token>"' : ''
  return new MaintenanceError(`${url} refuses (${response.status}): ${reason}${next}`)
}

async function* counted(
  body: ReadableStream<Uint8Array>,
  all: number,
  onProgress: Progress,
): AsyncIterable<Uint8Array> {
  let bytes = 0
  try {
    for await (const piece of body) {
      bytes += piece.length
      onProgress('fetching the snapshot', bytes, all, 'bytes')
      yield piece
    }
  } catch (error) {
    throw new MaintenanceError(`the server broke off after ${bytes} bytes: ${messageOf(error)}`)
  }
  if (all > 0 && bytes !== all) {
    throw new MaintenanceError(`the server sent ${bytes} bytes instead of ${all}`)
  }
}

async function receive(
  { target }: Awaited<ReturnType<typeof chainFor>>,
  zxid: Zxid,
  pieces: AsyncIterable<Uint8Array>,
  onProgress: Progress,
): Promise<BackupSnapshot> {
  const file = snapshotFileName(zxid)
  const written = await target.write(file, pieces)
  // Read as a state: what arrived is whole, or it does not count.
  const state = await loadSnapshot(new RangeFile(written, zxid), onProgress)
  const { bytes, sha256 } = written
  return { file, zxid, bytes, sha256, ...factsOf(state), madeMs: Date.now() }
}
