import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../../../../bench/servers/index.ts'
import { unprivileged } from '../../../examples/support/postgres.ts'
import { Program, runProgram } from '../../clients/support/index.ts'

/** Where Patroni keeps what its nodes have to agree about. */
export const CLUSTER = '/service/drill'

/** ms after which a leader that is gone is a leader no longer: the timeout of Patroni's sessions. */
export const TTL_MS = 20_000

const PATRONI = '/usr/bin/patroni'
const RUN_MS = 400_000
const END_MS = 60_000
/** A write waits for the replica, or until Patroni has found that there is none. */
const SQL_MS = 120_000

/** What a cluster begins with. It is stored in ZooKeeper by the node that comes first. */
const BOOTSTRAP = {
  dcs: {
    ttl: TTL_MS / 1000,
    loop_wait: 2,
    retry_timeout: 5,
    // Only a replica that has all that was acknowledged is promoted.
    synchronous_mode: true,
    // A machine so slow that ZooKeeper's election outlasts `retry_timeout` does not make the leader step down.
    failsafe_mode: true,
    postgresql: { parameters: { fsync: 'off', shared_buffers: '16MB', max_connections: 20 } },
  },
  initdb: [{ encoding: 'UTF8' }, { auth: 'trust' }, 'no-sync'],
  pg_hba: ['host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust'],
}

/** A PostgreSQL server with the Patroni that looks after it, in a temporary folder. */
export class PatroniNode {
  readonly name: string
  readonly #folder: string
  readonly #port: number
  readonly #patroni: Program

  private constructor(name: string, folder: string, port: number, patroni: Program) {
    this.name = name
    this.#folder = folder
    this.#port = port
    this.#patroni = patroni
  }

  /**
   * Starts it; it joins the cluster by itself.
   * @param programs folder of PostgreSQL's programs
   * @param servers where ZooKeeper is, `host:port`
   */
  static async start(
    name: string,
    programs: string,
    servers: readonly string[],
  ): Promise<PatroniNode> {
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-patroni-'))
    const [port, restPort] = (await freePorts(2)) as [number, number]
    const sockets = path.join(folder, 'sockets')
    mkdirSync(sockets)
    const file = path.join(folder, 'patroni.json')
    // YAML, too.
    const config = {
      scope: path.basename(CLUSTER),
      namespace: path.dirname(CLUSTER),
      name,
      restapi: { listen: `127.0.0.1:${restPort}`, connect_address: `127.0.0.1:${restPort}` },
      zookeeper: { hosts: servers },
      bootstrap: BOOTSTRAP,
      postgresql: {
        listen: `127.0.0.1:${port}`,
        connect_address: `127.0.0.1:${port}`,
        data_dir: path.join(folder, 'data'),
        bin_dir: programs,
        pgpass: path.join(folder, 'pgpass'),
        authentication: {
          superuser: { username: 'postgres' },
          replication: { username: 'replicator' },
        },
        parameters: { unix_socket_directories: sockets },
        basebackup: [{ checkpoint: 'fast' }],
      },
    }
    writeFileSync(file, JSON.stringify(config, null, 2))
    const user = await unprivileged()
    let command = [PATRONI, file]
    if (user !== null) {
      for (const place of [folder, sockets, file]) chownSync(place, user.uid, user.gid)
      const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
      command = ['setpriv', ...ids, ...command]
    }
    const env = { LC_ALL: 'C', HOME: folder }
    const patroni = new Program(command[0]!, command.slice(1), { env, timeoutMs: RUN_MS })
    return new PatroniNode(name, folder, port, patroni)
  }

  /** What Patroni and PostgreSQL wrote last. */
  get output(): string {
    return `--- ${this.name}\n${this.#patroni.output.slice(-6000)}`
  }

  /** Runs SQL and returns its rows, columns apart by `|`; null while the server takes no connections. */
  async query(sql: string): Promise<string[] | null> {
    const where = ['-h', '127.0.0.1', '-p', String(this.#port), '-U', 'postgres', '-d', 'postgres']
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...where]
    const { code, stdout, output } = await runProgram('psql', args, {
      input: sql,
      timeoutMs: SQL_MS,
    })
    // What psql says by its code: no connection.
    if (code === 2) return null
    if (code !== 0) throw new Error(output)
    return stdout.split('\n').filter((line) => line !== '')
  }

  /** The machine is lost: Patroni and PostgreSQL end at once. */
  async kill(): Promise<void> {
    const endMs = Date.now() + END_MS
    const memory = this.#sharedMemory()
    // First, so that it starts nothing again.
    this.#patroni.kill()
    for (;;) {
      const pids = processesOf(this.#folder)
      if (pids.length === 0) break
      for (const pid of pids) killNow(pid)
      if (Date.now() > endMs) throw new Error(`processes ${pids.join(', ')} do not end`)
      await sleep(50)
    }
    await this.#patroni.finished()
    // A killed PostgreSQL leaves a small segment behind for its next start, which there will not be.
    if (memory !== null) await runProgram('ipcrm', ['-m', memory])
  }

  async discard(): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #sharedMemory(): string | null {
    try {
      const lines = readFileSync(path.join(this.#folder, 'data', 'postmaster.pid'), 'utf8').split(
        '\n',
      )
      return /^ *\d+ +(\d+)/.exec(lines[6] ?? '')?.[1] ?? null
    } catch {
      return null
    }
  }
}

/**
 * Those that have the folder in their command line (Patroni, PostgreSQL's first process, `initdb`, `pg_basebackup`) or
 * are in it: PostgreSQL's others, which outlive their first one for as long as it takes them to notice, and write.
 */
function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(folder) || workingFolder(pid).startsWith(folder))
    .map(Number)
}

function workingFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    // It has ended in between, or is not ours to look at.
    return ''
  }
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It has ended in between.
    return ''
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
