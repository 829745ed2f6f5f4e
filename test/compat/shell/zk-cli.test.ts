import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findApache, type ServerProcess } from '../../../bench/servers/index.ts'
import { startTestServer, type TestServer } from '../../../src/testing/index.ts'
import { shape } from '../../shell/support/recorded.ts'
import { TestShells } from '../../shell/support/test-shell.ts'
import {
  discardServer,
  makeServer,
  type Peer,
  Program,
  type ProgramResult,
  skipWithout,
} from '../clients/support/index.ts'

/** Everything below `ROOT`, whose name differs between the two, so that both may work at the same server. */
const SCRIPT = `
create ROOT one
create ROOT/none
create ROOT/empty ""
create -s ROOT/s- x
create -s ROOT/s- x
create -e ROOT/eph x
create -e -s ROOT/es- x
create -c ROOT/cont
create ROOT/eph/child x
create ROOT/no/parent x
create -c -s ROOT/cs
create -t 5 -e ROOT/te
create -t x ROOT/t
create ROOT/
create ROOT//x
create ROOT/./x
create relative
get
get ROOT
get ROOT/none
get ROOT/empty
get -s ROOT
get -b ROOT
get -x ROOT
get -x ROOT/empty
get -sb ROOT
get ROOT -s
get -q ROOT
get --s ROOT
get ROOT true
get ROOT/missing
ls
ls ROOT
ls -s ROOT
ls -R ROOT
ls ROOT true
ls -?
ls ROOT/missing
stat ROOT
stat ROOT/eph
stat ROOT/missing
stat
set ROOT
set ROOT two
set -s ROOT two
set ROOT three -v 2
set ROOT three -v 2
set -v2 ROOT four
set -v=3 ROOT four
set -b ROOT AAECA/8=
get -x ROOT
get -b ROOT
set ROOT/missing x
set -v
set -v -s ROOT x
getAcl ROOT
getAcl -s ROOT
getAcl ROOT/missing
setAcl ROOT world:anyone:cdrwa,ip:127.0.0.1:r
getAcl ROOT
setAcl -s ROOT world:anyone:rwcda
setAcl -v 9 ROOT world:anyone:cdrwa
setAcl ROOT nosuch:x:r
setAcl -R ROOT world:anyone:cdrwa
setAcl ROOT/missing world:anyone:r
addauth digest bob:secret
create ROOT/mine x auth::cdrwa
getAcl ROOT/mine
whoami
getEphemerals ROOT
getAllChildrenNumber ROOT
getAllChildrenNumber
sync ROOT
sync
version now
listquota ROOT
delquota ROOT
setquota ROOT
setquota -n 5 -b 7 ROOT
setquota -n 3 ROOT
setquota -B 100000 ROOT
listquota ROOT
setquota -n 5 ROOT/none
delquota -n ROOT
listquota ROOT
delquota ROOT
listquota ROOT
setquota -n 5 ROOT/none
setquota -n 5 ROOT
delquota ROOT/none
config -x
removewatches ROOT
removewatches
get -w ROOT
ls -w ROOT
stat -w ROOT/later
set ROOT five
create ROOT/later x
addWatch -m PERSISTENT ROOT/none
addWatch -m persistent_recursive ROOT/cont
addWatch -m foo ROOT
addWatch
set ROOT/none x
create ROOT/cont/child x
delete ROOT/cont/child
removewatches ROOT/none -p
removewatches ROOT/cont -r
removewatches ROOT/cont -a
get -w ROOT
ls -w ROOT
removewatches ROOT -c
removewatches ROOT -d
sync ROOT
printwatches
printwatches off
printwatches
printwatches on
history
redo 0
redo 17
redo 999
reconfig
reconfig -file a -members b
reconfig -add a -members b
reconfig -v x -add a
reconfig -remove 9
nosuch
create 'ROOT/with space' "a 'b' c"
get "ROOT/with space"
create ROOT/'quoted' x
ls ROOT
delete ROOT
delete -v 7 ROOT/later
delete ROOT/missing
delete
deleteall
deleteall ROOT/missing
deleteall ROOT -b 4
ls ROOT
close
ls ROOT
connect
ls ROOT
close
quit
`
  .trim()
  .split('\n')

/** The Java program behind zkCli.sh, of the release that we follow. */
function zkCli39(): Peer<readonly string[]> {
  const install = findApache('3.9')
  if (install === null) {
    return { found: null, missing: 'Apache ZooKeeper 3.9 is missing (/opt/zookeeper-3.9*)' }
  }
  const flags = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Duser.timezone=UTC']
  const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=off'
  const main = 'org.apache.zookeeper.ZooKeeperMain'
  return { found: [...flags, quiet, '-cp', install.classPath, main], missing: null }
}

const peer = zkCli39()
const LIMIT = { timeoutMs: 150_000 }

const EVENT_HEAD = /\nWATCHER::\n/g
const EVENT = /\n(WatchedEvent .*)\n/g

/** What was printed, without the places at which events came between. */
interface Transcript {
  readonly results: readonly string[]
  readonly messages: readonly string[]
  readonly events: readonly string[]
}

function transcript(stdout: string, stderr: string, root: string): Transcript {
  const [results, messages] = [stdout, stderr].map((text) => shape(text.replaceAll(root, '/ROOT')))
  // zkCli prints the two lines of an event one by one, and the thread of the commands may come between.
  const rest = results!.replace(EVENT_HEAD, '')
  const events = [...rest.matchAll(EVENT)].map(([, event]) => event!)
  expect(results!.match(EVENT_HEAD)?.length).toBe(events.length)
  return {
    results: lines(rest.replace(EVENT, ''))
      .filter((line) => !/^(Connecting to|Welcome to|JLine support)/.test(line))
      .map((line) => line.replace(/^ephemeralOwner = 0x[\da-f]{2,}$/, 'ephemeralOwner = SESSION'))
      .map(sortedPaths),
    messages: lines(messages!).filter((line) => !/^SLF4J/.test(line)),
    events,
  }
}

/** Ephemerals come from Apache's servers in no order, and are sorted by our shell alone. */
function sortedPaths(line: string): string {
  const list = /^\[(\/.*)\]$/.exec(line)?.[1]
  return list === undefined ? line : `[${list.split(', ').sort().join(', ')}]`
}

function lines(text: string): string[] {
  return text.split('\n')
}

const shells = new TestShells()

describe.skipIf(skipWithout(peer))('beside zkCli of 3.9.3', { timeout: 180_000 }, () => {
  let ours: TestServer
  let theirs: ServerProcess

  beforeAll(async () => {
    ours = await startTestServer({ config: { extendedTypes: true } })
    theirs = await makeServer({ kind: 'apache-3.9' })
    await theirs.start()
  })

  afterAll(async () => {
    await shells.close()
    await ours?.close()
    await discardServer(theirs)
  })

  /**
   * Events have a thread of their own for each session: it may be late, and neither the next session nor `quit` waits
   * for it. So the script goes on behind a `close` when the end of the session has been printed, which comes last.
   * (`sync`, which is answered by the same thread, is in the script where events must not be late for a command.)
   */
  async function runZkCli(address: string): Promise<ProgramResult> {
    const program = new Program('java', [...(peer.found ?? []), '-server', address], LIMIT)
    for (const line of SCRIPT) {
      const from = program.output.length
      program.writeLine(line.replaceAll('ROOT', '/java'))
      if (line === 'close') await program.waitFor(/WatchedEvent state:Closed .*\n/, from)
    }
    return await program.finished()
  }

  async function compare(address: string): Promise<void> {
    const java = await runZkCli(address)
    const node = await shells.script(
      address,
      SCRIPT.map((line) => line.replaceAll('ROOT', '/node')),
    )
    const expected = transcript(java.stdout, java.stderr, '/java')
    const actual = transcript(node.stdout, node.stderr, '/node')
    expect(actual).toEqual(expected)
    expect(actual.events.length).toBeGreaterThan(10)
    expect(node.exitCode).toBe(java.code)
  }

  test('our shell prints the same at our server', async () => {
    await compare(ours.connectionString)
  })

  test('and at one of Apache', async () => {
    await compare(theirs.address)
  })
})
