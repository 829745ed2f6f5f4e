import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { chown } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Peer, Program, runProgram } from '../../compat/clients/support/index.ts'

const DEBIAN = '/usr/lib/postgresql'

/** Folder of PostgreSQL's programs. */
export async function postgres(): Promise<Peer<string>> {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort() : []
  const folders = versions.map((version) => path.join(DEBIAN, version, 'bin')).reverse()
  const found = folders.find((folder) => existsSync(path.join(folder, 'initdb')))
  const hasPsql = await runProgram('psql', ['--version']).then(
    ({ code }) => code === 0,
    () => false,
  )
  if (found !== undefined && hasPsql) return { found, missing: null }
  return { found: null, missing: 'PostgreSQL is missing (Debian: apt-get install postgresql)' }
}

/** A database server of its own, in a temporary folder; reached through the socket there. */
export class Postgres {
  readonly folder: string
  readonly #server: Program

  private constructor(folder: string, server: Program) {
    this.folder = folder
    this.#server = server
  }

  static async start(programs: string): Promise<Postgres> {
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-postgres-'))
    const data = path.join(folder, 'data')
    const user = await unprivileged()
    if (user !== null) await chown(folder, user.uid, user.gid)
    const as = (program: string, args: readonly string[]): [string, string[]] => {
      const file = path.join(programs, program)
      if (user === null) return [file, [...args]]
      const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
      return ['setpriv', [...ids, file, ...args]]
    }
    const env = { LC_ALL: 'C' }
    const initArgs = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8']
    const { code, output } = await runProgram(...as('initdb', initArgs), { env })
    if (code !== 0) throw new Error(output)
    const options = ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off']
    const server = new Program(...as('postgres', options), { env, timeoutMs: 300_000 })
    await server.waitFor('ready to accept connections')
    return new Postgres(folder, server)
  }

  /** What its clients have in their environment. */
  get env(): Record<string, string> {
    return { PGHOST: this.folder, PGUSER: 'postgres', PGDATABASE: 'postgres' }
  }

  /** Runs SQL and returns its rows, columns apart by `|`. */
  async query(sql: string): Promise<string[]> {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1']
    const { code, stdout, output } = await runProgram('psql', args, { env: this.env, input: sql })
    if (code !== 0) throw new Error(output)
    return stdout.split('\n').filter((line) => line !== '')
  }

  async discard(): Promise<void> {
    // At once and without waiting for clients.
    this.#server.signal('SIGQUIT')
    await this.#server.finished()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** PostgreSQL does not run as root: its own user, which its package has made. Null when this is not root. */
export async function unprivileged(): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null
  const { stdout } = await runProgram('getent', ['passwd', 'postgres'])
  const [, , uid, gid] = stdout.split(':')
  if (uid === undefined) throw new Error('there is no user postgres to run PostgreSQL')
  return { uid: Number(uid), gid: Number(gid) }
}
