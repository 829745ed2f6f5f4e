// A writer with a lock: node writer.js NAME; PGHOST and the like say where the table is.
import { execFile } from 'node:child_process'
import { createInterface } from 'node:readline'
import { connect } from 'zabkeeper/client'
import { Mutex } from 'zabkeeper/recipes'

const FENCED = `UPDATE report SET body = :'body', token = :token
  WHERE id = 1 AND token <= :token RETURNING id;`
const UNFENCED = `UPDATE report SET body = :'body', token = :token WHERE id = 1 RETURNING id;`

const name = process.argv[2] ?? `writer-${process.pid}`
const say = (text) => console.log(`${name} ${text}`)

const zk = await connect(process.env.ZOOKEEPER ?? 'localhost:2181', { sessionTimeoutMs: 10_000 })
const grant = await new Mutex(zk, '/examples/report-lock', { data: name }).acquire()
say('holds the lock')

let body = null
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ')
  if (command === 'begin') {
    body = grant.isSure ? words.join(' ') : null
    say(grant.isSure ? 'is going to write' : 'does not write: the lock may be lost')
  } else if (command === 'commit' && body !== null) {
    // Here the lock may be lost, however carefully it was looked at before.
    const isWritten = await write(body, grant.fencingToken)
    say(isWritten ? 'has written' : 'is refused: a later holder has written')
  } else if (command === 'release') break
}
await grant.release()
await zk.close()
process.stdin.destroy()

/** False when the table has seen a later holder of the lock. */
async function write(text, token) {
  const sql = process.env.FENCING === 'off' ? UNFENCED : FENCED
  const rows = await psql(sql, { body: text, token: String(token) })
  return rows.trim() === '1'
}

/** Runs SQL with variables, which psql quotes: `:'name'` is text, `:name` a number. */
function psql(sql, variables) {
  const set = Object.entries(variables).flatMap(([key, value]) => ['-v', `${key}=${value}`])
  return new Promise((resolve, reject) => {
    const args = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...set]
    const child = execFile('psql', args, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    )
    child.stdin.end(sql)
  })
}
