import type { SessionId, Zxid } from '../../src/base/index.ts'
import {
  type ByteString,
  decodeTxnEntry,
  decodeWriteRequest,
  encodeTxnEntry,
  FrameReader,
  InputReader,
  OpCode,
  OutputBuffer,
  readRequestHeader,
  type Stat,
  type Txn,
  type TxnHeader,
  writeGetDataResponse,
  writePathWatch,
  writeReplyHeader,
  writeRequestHeader,
  writeStatResponse,
  writeWatcherEvent,
  writeWriteRequest,
} from '../../src/wire/index.ts'

/*
 * Costs of the codec's hot paths in nanoseconds per frame: `node dist/bench/micro/wire.js` after `npm run build`.
 * Paths have 24 characters, values 100 bytes; every 100 frames the output is taken, as at the end of a turn.
 */

const FRAMES = 100
const ROUNDS = 20_000
const PATH = '/bench/nodes/n0000000042'
const DATA = 'x'.repeat(100) as ByteString
const ACL = [{ perms: 31, scheme: 'world', id: 'anyone' }]
const STAT: Stat = {
  czxid: 0x1_0000_0001n as Zxid,
  mzxid: 0x1_0000_0002n as Zxid,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: 3,
  cversion: 4,
  aversion: 5,
  ephemeralOwner: 0n as SessionId,
  dataLength: 100,
  numChildren: 0,
  pzxid: 0x1_0000_0003n as Zxid,
}
const HEADER: TxnHeader = {
  clientId: 0x0100_0000_0000_0001n as SessionId,
  cxid: 7,
  zxid: 0x1_0000_0004n as Zxid,
  time: 1_700_000_000_000,
  type: OpCode.setData,
}
const TXN: Txn = { type: OpCode.setData, path: PATH, data: DATA, version: 4 }

const out = new OutputBuffer()
const reader = new InputReader()
const requestHeader = { xid: 0, type: 0 }
let sum = 0

function measure(name: string, round: () => void): void {
  for (let count = 0; count < ROUNDS / 10; count++) round()
  const runs: number[] = []
  for (let run = 0; run < 5; run++) {
    const start = performance.now()
    for (let count = 0; count < ROUNDS / 5; count++) round()
    runs.push(((performance.now() - start) * 1e6) / (ROUNDS / 5) / FRAMES)
  }
  runs.sort((a, b) => a - b)
  console.log(`${name.padEnd(28)} ${runs[2]!.toFixed(0).padStart(5)} ns`)
}

function measureEncode(name: string, write: () => void): void {
  measure(name, () => {
    for (let count = 0; count < FRAMES; count++) {
      const mark = out.beginFrame()
      write()
      out.endFrame(mark)
    }
    sum += out.take().length
  })
}

/** A chunk of equal requests through the frame reader, each decoded in place. */
function measureDecode(name: string, write: () => void, decode: () => unknown): void {
  for (let count = 0; count < FRAMES; count++) {
    const mark = out.beginFrame()
    write()
    out.endFrame(mark)
  }
  const chunk = out.take()
  const frames = new FrameReader(0xfffff)
  const sink = {
    onFrame(bytes: Uint8Array, start: number, end: number): boolean {
      reader.reset(bytes, start, end)
      readRequestHeader(reader, requestHeader)
      sum += decode() === null ? 1 : 2
      return true
    },
    onBadLength(): void {
      throw new Error('the benchmark wrote a bad frame')
    },
  }
  measure(name, () => frames.push(chunk, sink))
}

measureEncode('encode getData reply', () => {
  writeReplyHeader(out, 7, STAT.mzxid, 0)
  writeGetDataResponse(out, DATA, STAT)
})
measureEncode('encode setData reply', () => {
  writeReplyHeader(out, 7, STAT.mzxid, 0)
  writeStatResponse(out, STAT)
})
measureEncode('encode notification', () => writeWatcherEvent(out, STAT.mzxid, 3, PATH))
measureEncode('encode setData transaction', () => encodeTxnEntry(out, HEADER, TXN, 42n))

const set = { type: OpCode.setData, path: PATH, data: DATA, version: -1 } as const
const create = {
  type: OpCode.create,
  path: PATH,
  data: DATA,
  acl: ACL,
  flags: 0,
  ttl: -1n,
} as const
measureDecode(
  'decode getData request',
  () => {
    writeRequestHeader(out, 7, OpCode.getData)
    writePathWatch(out, { path: PATH, watch: false })
  },
  () => {
    const path = reader.string()
    return reader.bool() ? null : path
  },
)
measureDecode(
  'decode setData request',
  () => {
    writeRequestHeader(out, 7, OpCode.setData)
    writeWriteRequest(out, set)
  },
  () => decodeWriteRequest(requestHeader.type, reader),
)
measureDecode(
  'decode create request',
  () => {
    writeRequestHeader(out, 7, OpCode.create)
    writeWriteRequest(out, create)
  },
  () => decodeWriteRequest(requestHeader.type, reader),
)

encodeTxnEntry(out, HEADER, TXN, 42n)
const entry = out.take()
measure('decode setData transaction', () => {
  for (let count = 0; count < FRAMES; count++) {
    sum += decodeTxnEntry(entry, 0, entry.length).header.cxid
  }
})
if (sum === 0) throw new Error('the benchmark did nothing')
