import { get as getPlainly, type IncomingMessage } from 'node:http'
import { get as getSecurely } from 'node:https'
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

const SILENCE_MS_MAX = 60_000
/** Enough for a reason in JSON. */
const REFUSAL_CHARS_MAX = 10_000

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
  if (isThere) body.destroy()
  return report!
}

interface Answer {
  readonly zxid: Zxid
  /** 0 when the server does not say. */
  readonly bytes: number
  readonly body: IncomingMessage
}

async function requestSnapshot({ address, authorization }: AdminPort): Promise<Answer> {
  const base = /^https?:\/\//.test(address) ? address.replace(/\/+$/, '') : `http://${address}`
  const url = `${base}/commands/snapshot?streaming=true`
  const response = await ask(url, authorization)
  if (response.statusCode !== 200) throw await refusedBy(url, response)
  const { last_zxid: zxid, snapshot_size: bytes } = response.headers
  if (typeof zxid !== 'string') {
    response.destroy()
    throw new MaintenanceError(
      `${url} answers with something else than a snapshot; give the admin port of a server (admin.serverPort)`,
    )
  }
  return { zxid: parseZxid(zxid, 'last_zxid'), bytes: Number(bytes ?? 0), body: response }
}

/** Not `fetch`: that one refuses some ports that a server may have. */
async function ask(url: string, authorization: string | null): Promise<IncomingMessage> {
  const headers = authorization === null ? {} : { authorization }
  const get = url.startsWith('https:') ? getSecurely : getPlainly
  return await new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(
        new MaintenanceError(
          `no answer from ${url}: ${messageOf(error)}; is admin.enableServer on, and is it the admin port?`,
        ),
      )
    try {
      const request = get(url, { headers, timeout: SILENCE_MS_MAX }, resolve)
      request.on('error', fail)
      request.on('timeout', () => {
        request.destroy(new Error(`silent for ${SILENCE_MS_MAX / 1000} s`))
      })
    } catch (error) {
      // An address that is none.
      fail(error)
    }
  })
}

async function refusedBy(url: string, response: IncomingMessage): Promise<MaintenanceError> {
  let text = ''
  for await (const piece of response) {
    text += String(piece)
    if (text.length > REFUSAL_CHARS_MAX) break
  }
  const found = /"error"\s*:\s*"([^"]*)"/.exec(text)
  const { statusCode: status } = response
  const reason = found === null ? response.statusMessage : found[1]!
  const isAuth = status === 401 || status === 403
  const next = isAuth ? '; say who you are with --auth, e.g. --auth "Bearer <token>"' : ''
  return new MaintenanceError(`${url} refuses (${status}): ${reason}${next}`)
}

async function* counted(
  body: IncomingMessage,
  all: number,
  onProgress: Progress,
): AsyncIterable<Uint8Array> {
  let bytes = 0
  try {
    for await (const piece of body) {
      const data = piece as Buffer
      bytes += data.length
      onProgress('fetching the snapshot', bytes, all, 'bytes')
      yield data
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
