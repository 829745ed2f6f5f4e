// A worker thread that behaves: one exists request every few milliseconds over one session. It runs beside the
// thread that misbehaves, so that only the server's delays are measured. Plain JavaScript: worker threads do not
// pass through the test runner's compiler.
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const { port, everyMs } = workerData
const latencies = []
let sentAt = 0
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
      latencies.push(performance.now() - sentAt)
      setTimeout(send, everyMs)
    }
  }
})

function send() {
  if (failure !== null) return
  sentAt = performance.now()
  socket.write(request)
}

parentPort.on('message', () => {
  const waiting = performance.now() - sentAt
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
})
