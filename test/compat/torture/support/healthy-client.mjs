// A worker thread that behaves: one exists request every few milliseconds over one session. It runs beside the
// thread that misbehaves, so that only the server's delays are measured. Time that a busy machine takes away is no
// delay of the server's: in which the server was ready to run and something else ran, or this thread was late itself.
// Plain JavaScript: worker threads do not pass through the test runner's compiler.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const { port, pid, everyMs } = workerData
const TICK_MS = 5
/** Fewer say nothing: then the end waits for them, if the server answers at all. */
const COUNT_MIN = 20
const END_MS = 30_000
const latencies = []
let sentAt = 0
let lostBefore = 0
let tickedAt = performance.now()
let lateMs = 0
let failure = null
let received = Buffer.alloc(0)
let isConnected = false

const handshake = Buffer.alloc(49)
handshake.writeInt32BE(45, 0)
handshake.writeInt32BE(30_000, 16)
handshake.writeInt32BE(16, 28)
// exists "/": header, path, no watch
const request = Buffer.from('0000000e' + '00000001' + '00000003' + '00000001' + '2f' + '00', 'hex')

const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(handshake))
socket.on('error', (error) => {
  failure = String(error)
})
socket.on('close', () => {
  failure ??= 'closed by the server'
})
socket.on('data', (chunk) => {
  received = Buffer.concat([received, chunk])
  while (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) {
    received = received.subarray(4 + received.readInt32BE(0))
    if (!isConnected) {
      isConnected = true
      parentPort.postMessage('connected')
      send()
    } else {
      latencies.push(delay())
      setTimeout(send, everyMs)
    }
  }
})

function send() {
  if (failure !== null) return
  lostBefore = lost()
  sentAt = performance.now()
  socket.write(request)
}

/** How long the server has been busy with something else than the request. */
function delay() {
  const ms = performance.now() - sentAt
  return Math.max(0, ms - (lost() - lostBefore))
}

/** What the machine has taken away so far, in ms. */
function lost() {
  return lateMs + lateness() + waitedForProcessorMs()
}

const ticker = setInterval(() => {
  lateMs += lateness()
  tickedAt = performance.now()
}, TICK_MS)

function lateness() {
  return Math.max(0, performance.now() - tickedAt - 2 * TICK_MS)
}

/** Of the server's main thread, where the system counts it (Linux). */
function waitedForProcessorMs() {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

parentPort.on('message', () => finish(performance.now()))

function finish(askedAt) {
  const isTooEarly = latencies.length < COUNT_MIN && performance.now() - askedAt < END_MS
  if (failure === null && isTooEarly) {
    setTimeout(() => finish(askedAt), everyMs)
    return
  }
  clearInterval(ticker)
  const waiting = delay()
  const sorted = [...latencies, ...(waiting > 1000 ? [waiting] : [])].sort((a, b) => a - b)
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
  parentPort.postMessage({
    failure,
    count: sorted.length,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  })
  socket.destroy()
  parentPort.close()
}
