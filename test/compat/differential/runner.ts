/** Runs a script against one server and records what happened, group by group. */
import type { Fields, Message } from './messages.ts'
import { Normaliser } from './normalise.ts'
import { encodeConnect, encodeRequest, frame, OPCODES } from './requests.ts'
import { type Line, parseBytes, type Script, ScriptError } from './script.ts'
import { WireClient } from './wire-client.ts'

/** Lines written to one connection in one go, and every message that arrived until all connections were quiet. */
export interface Group {
  readonly lines: readonly Line[]
  readonly messages: ReadonlyMap<string, readonly Message[]>
  /** Numbers of lines that got no reply. */
  readonly unanswered: readonly number[]
}

interface Session {
  readonly id: bigint
  readonly passwd: Buffer
}

/** Long enough for a disk that stalls. */
const HANG_MS = 30_000
const SHORT_WAIT_MS = 300

export async function runScript(script: Script, port: number): Promise<readonly Group[]> {
  const runner = new Runner(port)
  try {
    const groups: Group[] = []
    let held: Line[] = []
    for (const line of script.lines) {
      if (held.length > 0 && held[0]!.connection !== line.connection) {
        throw new ScriptError(
          `${script.name}:${line.number}: lines of ${held[0]!.connection} are held`,
        )
      }
      held.push(line)
      if (line.held) continue
      groups.push(await runner.run(held))
      held = []
    }
    return groups
  } finally {
    runner.end()
  }
}

class Runner {
  private readonly port: number
  private readonly clients = new Map<string, WireClient>()
  private readonly sessions = new Map<string, Session>()
  private readonly normaliser = new Normaliser()
  private lastZxid = 0n

  constructor(port: number) {
    this.port = port
  }

  async run(lines: readonly Line[]): Promise<Group> {
    const last = lines[lines.length - 1]!
    const client = await this.clientFor(lines[0]!)
    const parts = lines.map((line) => this.encode(client, line))
    client.write(Buffer.concat(parts))
    await this.finish(client, last, lines)
    const unanswered = client
      .abandonAnswers()
      .map((lost) => lost.line)
      .filter((line) => !client.closed || line > 0)
    await this.fence()
    return { lines, messages: this.collect(lines), unanswered }
  }

  end(): void {
    for (const client of this.clients.values()) client.drop()
  }

  private async clientFor(line: Line): Promise<WireClient> {
    const known = this.clients.get(line.connection)
    const opens = line.op === 'open' || line.op === 'connect' || line.op === '4lw'
    if (known !== undefined && !(opens && known.closed)) return known
    if (!opens) throw new ScriptError(`line ${line.number}: ${line.connection} is not connected`)
    const client = await WireClient.open(line.connection, this.port)
    this.clients.set(line.connection, client)
    return client
  }

  /** Bytes to write for one line; also announces the answer. */
  private encode(client: WireClient, line: Line): Buffer {
    const args = line.args
    switch (line.op) {
      case 'open':
      case 'wait':
      case 'drop':
      case 'halfclose':
        return Buffer.alloc(0)
      case 'connect':
        client.expectConnectResponse(line.number)
        return this.connectFrame(line)
      case '4lw':
        client.expectText(line.number)
        return Buffer.concat(args.words.map((word) => parseBytes(word)!))
      case 'send':
      case 'frame': {
        const bytes = parseBytes(args.word(0))!
        client.midFrame = line.op === 'send' && !args.has('whole')
        const expected = args.raw('expect')
        if (expected === 'connect') client.expectConnectResponse(line.number)
        else if (expected === 'text') client.expectText(line.number)
        else if (expected !== undefined) client.expect(args.int('xid', 0), expected, line.number)
        return line.op === 'send' ? bytes : frame(bytes)
      }
      default: {
        const xid = args.int('xid', line.op === 'ping' ? -2 : client.takeXid())
        client.expect(line.op === 'ping' ? -2 : xid, answeringOp(line), line.number)
        return encodeRequest(line, xid, { lastZxid: this.lastZxid })
      }
    }
  }

  private connectFrame(line: Line): Buffer {
    const name = line.args.raw('session')
    const session = this.sessions.get(name ?? '')
    const numeric = name !== undefined && /^-?\d/.test(name)
    if (name !== undefined && session === undefined && !numeric) {
      throw new ScriptError(`line ${line.number}: no session ${name}`)
    }
    return encodeConnect(line.args, {
      sessionId: numeric ? BigInt(name) : (session?.id ?? 0n),
      passwd: line.args.bytes('passwd', session?.passwd ?? Buffer.alloc(16)),
      lastZxid: this.lastZxid,
    })
  }

  private async finish(client: WireClient, last: Line, lines: readonly Line[]): Promise<void> {
    if (last.op === 'halfclose') client.halfClose()
    if (last.op === 'drop') client.drop()
    if (last.op === 'wait') await this.wait(client, last)
    if (last.op === '4lw' || last.op === 'halfclose' || last.flags.has('close')) {
      await client.waitClosed(HANG_MS)
      return
    }
    const short = lines.some((line) => line.flags.has('noreply'))
    await client.until(
      () => client.closed || client.outstandingCount === 0,
      short ? SHORT_WAIT_MS : HANG_MS,
    )
  }

  private async wait(client: WireClient, line: Line): Promise<void> {
    const what = line.args.word(0, '')
    if (what === 'quiet') await new Promise((resolve) => setTimeout(resolve, SHORT_WAIT_MS))
    else if (what === 'close') await client.waitClosed(line.args.int('ms', HANG_MS))
    else await client.waitMessages(line.args.int('events', 1), line.args.int('ms', HANG_MS))
  }

  /** After a ping is answered on every connection, whatever the group caused has arrived. */
  private async fence(): Promise<void> {
    const clients = [...this.clients.values()].filter((client) => client.canFence())
    for (const client of clients) client.sendFence()
    for (const client of clients) {
      if (!(await client.answered()))
        throw new Error(`${client.name} hangs: a ping is not answered`)
      client.abandonAnswers()
    }
  }

  private collect(lines: readonly Line[]): Map<string, Message[]> {
    const result = new Map<string, Message[]>()
    const unordered = lines.some((line) => line.op === 'closeSession')
    for (const [name, client] of this.clients) {
      const raw = client.takeMessages()
      for (const message of raw) this.learn(name, message)
      const messages = raw.map((message) => this.normaliser.message(message))
      if (messages.length > 0) result.set(name, unordered ? sortEvents(messages) : messages)
    }
    return result
  }

  private learn(name: string, message: Message): void {
    if (message.kind === 'connected') this.learnSession(name, message.fields)
    if (message.kind !== 'reply') return
    const zxid = message.fields['zxid']
    if (typeof zxid === 'bigint' && zxid > this.lastZxid) this.lastZxid = zxid
    if (message.fields['sessionId'] !== undefined) this.learnSession(name, message.fields)
  }

  private learnSession(name: string, fields: Fields): void {
    const id = fields['sessionId']
    if (typeof id !== 'bigint' || id === 0n) return
    this.sessions.set(name, { id, passwd: Buffer.from(String(fields['passwd']), 'hex') })
    this.normaliser.nameSession(id, `session of ${name}`)
  }
}

/** The op whose reply a line gets; a raw request is answered by its opcode. */
function answeringOp(line: Line): string {
  if (line.op !== 'raw') return line.op
  const opcode = line.args.int('op', 0)
  return [...OPCODES].find(([, code]) => code === opcode)?.[0] ?? 'raw'
}

/** Ephemerals of a closed session go in no fixed order: consecutive events are sorted. */
function sortEvents(messages: readonly Message[]): Message[] {
  const key = (message: Message): string =>
    message.kind === 'event' ? `${message.fields['path']} ${message.fields['type']}` : ''
  const result: Message[] = []
  let run: Message[] = []
  const flush = (): void => {
    result.push(...run.sort((a, b) => (key(a) < key(b) ? -1 : 1)))
    run = []
  }
  for (const message of messages) {
    if (message.kind === 'event') run.push(message)
    else {
      flush()
      result.push(message)
    }
  }
  flush()
  return result
}
