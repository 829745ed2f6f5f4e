import { mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises'
import path from 'node:path'
import { parseApacheName, snapshotFileName } from '../apache-files/index.ts'
import type { Zxid } from '../base/index.ts'

/** In the data folder. */
const SNAPSHOT_FOLDER = 'snapshots'
/** Older ones are deleted, as with upstream's `autopurge.snapRetainCount`. */
const KEPT_MAX = 3
const UNFINISHED = '.tmp'

/** A file of this size would leave too little on the disk. */
export class SnapshotRoomError extends Error {
  override readonly name: string = 'SnapshotRoomError'
}

/**
 * Writes `snapshots/snapshot.<zxid>` in the data folder, durable before it has its name; gives its path.
 * @throws SnapshotRoomError, or what the file system says
 */
export async function writeSnapshotFile(
  dataDir: string,
  zxid: Zxid,
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
  diskFreeBytesMin: number,
): Promise<string> {
  const folder = path.join(dataDir, SNAPSHOT_FOLDER)
  await mkdir(folder, { recursive: true })
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize - bytes < diskFreeBytesMin) {
    throw new SnapshotRoomError(
      `no room for a snapshot of ${bytes} bytes in ${folder}; make room, or let it be sent`,
    )
  }
  const name = path.join(folder, snapshotFileName(zxid))
  try {
    await writeDurably(`${name}${UNFINISHED}`, pieces)
    await rename(`${name}${UNFINISHED}`, name)
  } catch (error) {
    await rm(`${name}${UNFINISHED}`, { force: true })
    throw error
  }
  await syncFolder(folder)
  await deleteOldest(folder)
  return name
}

async function writeDurably(file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(file, 'w')
  try {
    for await (const piece of pieces) await handle.writeFile(piece)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function deleteOldest(folder: string): Promise<void> {
  const snapshots = (await readdir(folder)).flatMap((name) => {
    const parsed = parseApacheName(name)
    return parsed?.kind === 'snapshot' ? [{ name, zxid: parsed.zxid }] : []
  })
  const oldest = snapshots.sort((a, b) => (a.zxid > b.zxid ? -1 : 1)).slice(KEPT_MAX)
  for (const { name } of oldest) await rm(path.join(folder, name), { force: true })
}
