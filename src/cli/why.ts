import { type Command, InvalidArgumentError } from 'commander'
import type { SessionId } from '../base/index.ts'
import {
  answerDocument,
  askServers,
  type Evidence,
  renderAnswer,
  whyLeader,
  whySession,
} from '../forensics/index.ts'
import { printJson, runToExit } from './cluster-flags.ts'
import { EXIT } from './exit-codes.ts'
import { readMs } from './server-flags.ts'

interface WhyFlags {
  readonly servers: readonly string[]
  readonly path: string
  readonly timeout: number
  readonly json?: true
}

const ADMIN_PORT = 8080
const TIMEOUT_MS = 5000

const HELP = `Each server keeps a history of what happened to it. This asks all of them, over their admin ports
(admin.serverPort of zoo.cfg), and puts the answers together: name every server of the ensemble.

  zabkeeper why session 0x100000123ab0000 --servers zoo1:8080,zoo2:8080,zoo3:8080
  zabkeeper why leader --servers zoo1:8080,zoo2:8080,zoo3:8080 --json

Admin ports listen on 127.0.0.1 unless admin.serverAddress says otherwise.

Exit codes:
  0   there is an answer
  1   no server could be asked, or none remembers
  2   wrong arguments`

export function addWhy(program: Command): void {
  const why = program
    .command('why')
    .description('explain why a session ended, or why the leader changed')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', `\n${HELP}`)
  addWhyFlags(why.command('session'))
    .description('why did this session end?')
    .argument('<id>', 'as logs show it, such as 0x100000123ab0000', readSessionId)
    .action((sessionId: SessionId, flags: WhyFlags) => {
      answer(flags, sessionId, (evidence) => whySession(sessionId, evidence))
    })
  addWhyFlags(why.command('leader'))
    .description('why did the leader change last?')
    .action((flags: WhyFlags) => {
      answer(flags, null, whyLeader)
    })
}

function addWhyFlags(command: Command): Command {
  return command
    .option('-s, --servers <list>', 'admin ports of all servers', readServers, [
      `127.0.0.1:${ADMIN_PORT}`,
    ])
    .option('--path <path>', 'where the commands are (admin.commandURL)', readPath, '/commands')
    .option('-t, --timeout <ms>', 'how long a server may take to answer', readMs, TIMEOUT_MS)
    .option('--json', 'print one JSON document')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', `\n${HELP}`)
}

function answer(
  flags: WhyFlags,
  sessionId: SessionId | null,
  judge: (evidence: Evidence) => ReturnType<typeof whyLeader> | ReturnType<typeof whySession>,
): void {
  runToExit(async () => {
    const { servers, path: commandPath, timeout: timeoutMs } = flags
    const evidence = await askServers({ servers, commandPath, timeoutMs, sessionId })
    const found = judge(evidence)
    const { reports, missing } = evidence
    if (flags.json === true) printJson(answerDocument(found, reports, missing))
    else process.stdout.write(renderAnswer(found, reports))
    const isAnswered = reports.length > 0 && found.verdict !== 'unknown'
    return isAnswered ? EXIT.ok.code : EXIT.failure.code
  })
}

function readSessionId(text: string): SessionId {
  if (!/^(0x)?[0-9a-fA-F]{1,16}$/.test(text)) {
    throw new InvalidArgumentError(
      'A session id is a hexadecimal number, such as 0x100000123ab0000.',
    )
  }
  return BigInt.asIntN(64, BigInt(`0x${text.replace(/^0x/, '')}`)) as SessionId
}

function readServers(text: string): readonly string[] {
  return text.split(',').map((part) => {
    const address = part.trim()
    const found = /^(\[[\da-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?$/.exec(address)
    if (found === null || Number(found[2] ?? 1) > 65_535) {
      throw new InvalidArgumentError(`'${address}' must be host:port, such as zoo1:${ADMIN_PORT}.`)
    }
    return `${found[1]}:${found[2] ?? ADMIN_PORT}`
  })
}

function readPath(text: string): string {
  if (/^(\/[\w.~-]+)+\/?$/.test(text)) return text.replace(/\/$/, '')
  throw new InvalidArgumentError('It must be a path such as /commands.')
}
