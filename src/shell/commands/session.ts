import { VERSION_TEXT } from '../../admin/version.ts'
import type { Command } from '../command.ts'
import { usageError } from '../failures.ts'
import { NO_FLAGS } from '../flags.ts'

const ADD_AUTH: Command = {
  name: 'addauth',
  usage: 'scheme auth',
  flags: NO_FLAGS,
  operandsMin: 1,
  async run(context, { operands: [scheme = '', credentials = ''] }) {
    const zk = await context.client()
    await zk.addAuth(scheme, credentials, context.call)
    return null
  },
}

const VERSION: Command = {
  name: 'version',
  usage: '',
  flags: NO_FLAGS,
  operandsMin: 0,
  operandsMax: 0,
  async run(context) {
    context.output.print(`ZooKeeper CLI version: ${VERSION_TEXT}`)
    return VERSION_TEXT
  },
}

const CLOSE: Command = {
  name: 'close',
  usage: '',
  flags: NO_FLAGS,
  operandsMin: 0,
  async run(context) {
    await context.shell.close()
    return null
  },
}

const CONNECT: Command = {
  name: 'connect',
  usage: 'host:port',
  flags: NO_FLAGS,
  operandsMin: 0,
  isOfShell: true,
  async run(context, { operands: [servers = null] }) {
    await context.shell.connect(servers)
    return null
  },
}

const HISTORY: Command = {
  name: 'history',
  usage: '',
  flags: NO_FLAGS,
  operandsMin: 0,
  isOfShell: true,
  async run(context) {
    const { recent } = context.shell
    for (const { number, line } of recent) context.output.print(`${number} - ${line}`)
    return recent
  },
}

const REDO: Command = {
  name: 'redo',
  usage: 'cmdno',
  flags: NO_FLAGS,
  operandsMin: 1,
  isOfShell: true,
  async run(context, { operands: [text = ''] }) {
    if (!/^-?\d{1,9}$/.test(text)) {
      throw usageError(`redo needs the number of a command in the history, not ${text}`)
    }
    return await context.shell.redo(Number(text))
  },
}

const PRINT_WATCHES: Command = {
  name: 'printwatches',
  usage: 'on|off',
  flags: NO_FLAGS,
  operandsMin: 0,
  isOfShell: true,
  async run(context, { operands: [wanted] }) {
    const { shell } = context
    if (wanted !== undefined && wanted !== 'on' && wanted !== 'off') {
      throw usageError(`${PRINT_WATCHES.name} ${PRINT_WATCHES.usage}`)
    }
    if (wanted !== undefined) shell.printsWatches = wanted === 'on'
    else context.output.print(`printwatches is ${shell.printsWatches ? 'on' : 'off'}`)
    return { printwatches: shell.printsWatches }
  },
}

const QUIT: Command = {
  name: 'quit',
  usage: '',
  flags: NO_FLAGS,
  operandsMin: 0,
  isOfShell: true,
  async run(context) {
    await context.shell.quit()
    return null
  },
}

export const SESSION_COMMANDS: readonly Command[] = [
  ADD_AUTH,
  CLOSE,
  CONNECT,
  HISTORY,
  PRINT_WATCHES,
  QUIT,
  // As 3.10 has it beside quit.
  { ...QUIT, name: 'exit', isHidden: true },
  REDO,
  VERSION,
]
