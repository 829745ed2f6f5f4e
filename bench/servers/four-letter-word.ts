import { connect } from 'node:net'

/** Sends a four-letter word to a server and resolves with its whole answer. */
export async function fourLetterWord(
  port: number,
  word: string,
  timeoutMs: number = 30_000,
  host: string = '127.0.0.1',
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect(port, host)
    let answer = ''
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer to ${word}`)))
    socket.on('connect', () => socket.write(word))
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
