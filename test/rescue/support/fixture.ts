import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { makeZxid, type SessionId, type Zxid } from '../../../src/base/index.ts'
import { type MemberConfig, parseZooCfg } from '../../../src/config/index.ts'
import { openPlatform } from '../../../src/platform/index.ts'
import type { OldConfig, RescueTarget } from '../../../src/rescue/index.ts'
import { ReplicatedState } from '../../../src/server/index.ts'
import {
  defaultStorageOptions,
  openStorage,
  type Storage,
  type StorageOptions,
} from '../../../src/storage/index.ts'
import { encodeTxnEntry, OpCode, OutputBuffer } from '../../../src/wire/index.ts'
import { DataTree, OPEN_ACL } from '../../../src/znodes/index.ts'

const KIB = 1024
const NO_EVENTS = { created: () => {}, deleted: () => {}, dataChanged: () => {} }

/** A folder for a test; gone after {@link Place.discard}. */
export class Place {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'zabkeeper-rescue-'))

  at(...names: readonly string[]): string {
    return path.join(this.folder, ...names)
  }

  /** A copy of a server's folders for the next run. */
  copy(from: string, to: string): void {
    rmSync(this.at(to), { recursive: true, force: true })
    cpSync(this.at(from), this.at(to), { recursive: true })
  }

  discard(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export interface ServerFacts {
  readonly id: number
  readonly acceptedEpoch: number
  readonly currentEpoch: number
  /** Creates `/n1` to `/n<transactions>` in this epoch. */
  readonly transactions: number
}

function smallOptions(dataDir: string): StorageOptions {
  return {
    ...defaultStorageOptions(dataDir),
    segmentBytes: 64 * KIB,
    reserveBytes: 0,
    freeBytesMin: 0,
  }
}

export function newState(): ReplicatedState {
  return new ReplicatedState(new DataTree(NO_EVENTS, { extendedTypesEnabled: true }))
}

export function open(
  dataDir: string,
  replay: 'all' | 'checkpoint' = 'all',
): Promise<{ storage: Storage; state: ReplicatedState }> {
  const env = openPlatform({ log: { format: 'text', level: 'error', fd: 2 } })
  const state = newState()
  return new Promise((resolve, reject) => {
    const options = { ...smallOptions(dataDir), replay }
    openStorage(env, options, state, { onDurable: () => {}, onFatal: reject }, (error, storage) => {
      if (error === null) resolve({ storage: storage!, state })
      else reject(error)
    })
  })
}

export async function close(storage: Storage): Promise<void> {
  await new Promise<void>((resolve) => storage.close(resolve))
}

/** Makes the data folder of a member that was stopped, with `myid`. */
export async function makeData(dataDir: string, facts: ServerFacts): Promise<void> {
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(path.join(dataDir, 'myid'), `${facts.id}\n`)
  const { storage } = await open(dataDir)
  storage.setAcceptedEpoch(facts.acceptedEpoch, () => {})
  storage.setCurrentEpoch(facts.currentEpoch, () => {})
  for (let n = 1; n <= facts.transactions; n++)
    append(storage, makeZxid(facts.currentEpoch, n), `/n${n}`)
  storage.flush()
  await new Promise<void>((resolve) => storage.whenDurable(resolve))
  await close(storage)
}

export function append(storage: Storage, zxid: Zxid, path: string): void {
  const out = new OutputBuffer()
  const header = {
    clientId: 0n as SessionId,
    cxid: 0,
    zxid,
    time: 1_700_000_000_000,
    type: OpCode.create,
  }
  const txn = {
    type: OpCode.create,
    path,
    data: null,
    acl: OPEN_ACL,
    ephemeral: false,
    parentCVersion: Number(zxid & 0xffffn),
  } as const
  encodeTxnEntry(out, header, txn, null)
  const bytes = out.take()
  storage.append(zxid, bytes, 0, bytes.length)
}

/** Lines of a zoo.cfg for servers whose ports nobody listens on, unless they are given. */
export function zooCfg(
  dataDir: string,
  servers: readonly (Pick<MemberConfig, 'id'> & Partial<MemberConfig>)[],
  more: readonly string[] = [],
): string {
  return [
    'tickTime=500',
    'initLimit=10',
    'syncLimit=5',
    'clientPort=2181',
    `dataDir=${dataDir}`,
    ...more,
    ...servers.map(
      ({ id, quorumPort = 1, electionPort = 2, role = 'participant' }) =>
        `server.${id}=127.0.99.${id}:${quorumPort}:${electionPort}:${role}`,
    ),
    '',
  ].join('\n')
}

/** What the command makes of a zoo.cfg. */
export function targetOf(
  file: string,
  text: string,
  id: number,
  dynamic: OldConfig['dynamic'] = null,
): RescueTarget {
  const sources = { beside: { myid: id, dynamicConfig: dynamic } }
  const { config } = parseZooCfg(text, file, sources)
  const check = (newText: string, dynamicText: string | null): string | null => {
    const dynamicConfig = dynamic === null ? null : { ...dynamic, text: dynamicText! }
    try {
      parseZooCfg(newText, file, { beside: { myid: id, dynamicConfig } })
      return null
    } catch (error) {
      return String(error)
    }
  }
  return {
    id,
    dataDir: config.dataDir,
    dataLogDir: config.dataLogDir,
    config: { file, text, dynamic, ensemble: config.ensemble, check },
  }
}
