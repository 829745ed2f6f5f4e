// A program that follows its configuration: node watcher.js
import { connect } from 'zabkeeper/client'
import { NodeCache } from 'zabkeeper/recipes'

const zk = await connect(process.env.ZOOKEEPER ?? 'localhost:2181', { sessionTimeoutMs: 10_000 })
const cache = await NodeCache.open(zk, '/examples/config')
process.once('SIGTERM', () => cache.close())
process.once('SIGINT', () => cache.close())

let config = { greeting: 'hello' }
/** Of the value that was looked at last; null for none. */
let seen

// Before the first look: what comes in between is told, too.
const changes = cache.changes()
adopt(cache.value)
for await (const change of changes) {
  if (change.type === 'stale') console.log('the connection broke; the configuration may be old')
  else adopt(cache.value)
}
await zk.close()

function adopt(value) {
  const zxid = value?.stat.mzxid ?? null
  if (zxid === seen) return
  seen = zxid
  if (value === null) {
    console.log(`there is none, still ${JSON.stringify(config)}`)
    return
  }
  try {
    config = JSON.parse(new TextDecoder().decode(value.data))
    console.log(`version ${value.stat.version}: ${JSON.stringify(config)}`)
  } catch {
    console.log(`version ${value.stat.version} is no JSON, still ${JSON.stringify(config)}`)
  }
}
