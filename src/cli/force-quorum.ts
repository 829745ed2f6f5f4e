import { statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { ConfigError, parseZooCfg } from '../config/index.ts'
import { exitOnProgramFailure, openPlatform } from '../platform/index.ts'
import {
  carryOutRescue,
  confirmationFor,
  DISK_FILES,
  describeNext,
  describePlan,
  inspect,
  type OldConfig,
  parseSurvivor,
  planDocument,
  prepareRescue,
  RescueError,
  type RescuePlan,
  type RescueTarget,
  type RescueWorld,
  type StepHandler,
  type Survivor,
  survivorOf,
} from '../rescue/index.ts'
import { StorageError } from '../storage/index.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { progressPrinter } from './import-text.ts'
import { readConfigFiles, readMyid } from './load-config.ts'
import { exitCodeOfStorage } from './storage-exit-code.ts'

interface ForceQuorumFlags {
  readonly peer: readonly string[]
  readonly allowBehind?: boolean
  readonly ignoreReachable?: boolean
  readonly configOnly?: boolean
  readonly backup?: string
  readonly newConfig?: string
  readonly yes?: boolean
  readonly json?: boolean
}

const FORCE_QUORUM_HELP = `When a majority of an ensemble is lost for good, a server that is left cannot serve: the lost ones may have
acknowledged writes that it never got. This gives them up. Stop the server first, and make sure that the lost ones can
never start again with their old zoo.cfg: two of three are a majority of their own.

Without --yes nothing is changed: it shows what this server holds, asks all others, says what may be lost and what would
be done. With --yes it makes a backup, goes on in a far later epoch, and takes the lost servers off the list. Cut short,
it goes on where it was when it is run again.

  zabkeeper force-quorum /etc/zabkeeper/zoo.cfg
  zabkeeper force-quorum /etc/zabkeeper/zoo.cfg --yes

Two of five are left: look at both, rescue the one that has more, then take over the list on the other.

  zabkeeper force-quorum zoo.cfg                                     on server 2: its facts are 2:3:3:0x300000041
  zabkeeper force-quorum zoo.cfg --peer 2:3:3:0x300000041 --yes      on server 1
  zabkeeper force-quorum zoo.cfg --peer 1:16842752:16842752:0x101000000000000 --config-only --yes    on server 2

docs/runbooks/lost-quorum.md goes through it step by step, and says how lost servers come back.

Exit codes:
  0   done, or (without --yes) nothing speaks against it
  1   refused, or failed in a way that is not one of these
  2   wrong arguments or a wrong configuration file
  3   the folder cannot be used: a server runs, no data there, not permitted
  10  no room for the backup or the new state, or the disk failed
  11  the stored data is damaged
  70  a fault in the program itself`

export function addForceQuorum(program: Command): void {
  program
    .command('force-quorum')
    .description('make the servers that are left an ensemble when a majority is lost for good')
    .helpOption('-h, --help', 'print this help')
    .argument('<zoo.cfg>', 'configuration of this server, or its data folder if there is none')
    .option(
      '--peer <facts>',
      "another server that is left: the line 'facts' of a run there, or a copy of its data folder; repeat for each",
      (value: string, before: readonly string[]) => [...before, value],
      [] as readonly string[],
    )
    .option('--allow-behind', 'go on though another server that is left has more')
    .option('--ignore-reachable', 'go on though a lost server answers; asks to type it')
    .option('--config-only', 'only the new list of servers: the data comes from the rescued one')
    .option('--backup <folder>', 'where to keep what there is (default: beside the data folder)')
    .option('--new-config <file>', 'where to write the new zoo.cfg (default: in place of the old)')
    .option('--yes', 'do it')
    .option('--json', 'print one JSON document')
    .addHelpText('after', `\n${FORCE_QUORUM_HELP}`)
    .action((argument: string, flags: ForceQuorumFlags) => {
      run(argument, flags).then(
        ({ code }) => process.exit(code),
        (error: unknown) => exitWith(error),
      )
    })
}

async function run(argument: string, flags: ForceQuorumFlags): Promise<ExitCode> {
  const platform = openPlatform({ log: { format: 'text', level: 'warn', fd: 2 } })
  exitOnProgramFailure(platform.logger)
  const world: RescueWorld = { env: platform, files: DISK_FILES }
  const target = readTarget(argument)
  refuseOtherUser(target.dataDir)
  const peers = await Promise.all(flags.peer.map((text) => readPeer(world, text)))
  if (flags.configOnly && peers.length === 0) {
    throw new RescueError(
      'usage',
      '--config-only needs --peer with the facts of the server that was rescued',
    )
  }
  const plan = await prepareRescue(world, target, {
    peers,
    allowBehind: flags.allowBehind ?? false,
    configOnly: flags.configOnly ?? false,
    backup: flags.backup ?? null,
    newConfig: flags.newConfig ?? null,
  })
  if (!flags.json) process.stdout.write(describePlan(target, plan, Date.now()))
  const end = (isDone: boolean, text: string, exit: ExitCode): ExitCode => {
    if (flags.json) print({ ...planDocument(target, plan), done: isDone })
    else process.stdout.write(`${text}\n`)
    return exit
  }
  if (plan.raise === null && plan.config === null) {
    return end(true, 'done already: start this server', EXIT.ok)
  }
  const overruled = plan.objections.filter(
    ({ overruledBy }) => overruledBy === '--ignore-reachable' && flags.ignoreReachable,
  )
  if (overruled.length < plan.objections.length) {
    return end(false, 'nothing was changed', EXIT.failure)
  }
  if (!flags.yes) return end(false, 'nothing was changed. --yes does it', EXIT.ok)
  if (overruled.length > 0 && !(await isConfirmed(confirmationFor(plan)))) {
    return end(false, 'nothing was changed: that was not typed', EXIT.failure)
  }
  await carryOut(world, target, plan, flags.json ?? false)
  return end(true, describeNext(plan), EXIT.ok)
}

async function carryOut(
  world: RescueWorld,
  target: RescueTarget,
  plan: RescuePlan,
  isQuiet: boolean,
): Promise<void> {
  const progress = progressPrinter()
  const onStep: StepHandler = (step, done) => {
    if (done !== null) progress('writing the state', done.done, done.all, 'znodes')
    else if (!isQuiet) process.stdout.write(`${step} …\n`)
  }
  const raised = await carryOutRescue(world, target, plan, onStep)
  if (raised === null || isQuiet) return
  const { sessions, znodes } = raised
  process.stdout.write(`${znodes} znodes and ${sessions} sessions are in the new epoch\n`)
}

/* ------------------------------------------------------------------ what was given */

function readTarget(argument: string): RescueTarget {
  const isFolder = statSync(argument, { throwIfNoEntry: false })?.isDirectory() === true
  if (!isFolder) return readTargetOf(argument)
  const inside = path.join(argument, 'zoo.cfg')
  if (statSync(inside, { throwIfNoEntry: false })?.isFile()) return readTargetOf(inside)
  const dataDir = path.resolve(argument)
  return { id: ownNumber(dataDir), dataDir, dataLogDir: dataDir, config: null }
}

function readTargetOf(file: string): RescueTarget {
  const { text, sources } = readConfigFiles(file, {}, [])
  const { config } = parseZooCfg(text, file, sources)
  const dataDir = path.resolve(config.dataDir)
  const { ensemble } = config
  const dynamic = sources.beside?.dynamicConfig ?? null
  const old: OldConfig = {
    file: path.resolve(file),
    text,
    dynamic,
    ensemble,
    check: (newText, dynamicText) => {
      const dynamicConfig =
        dynamic === null || dynamicText === null ? null : { ...dynamic, text: dynamicText }
      try {
        parseZooCfg(newText, file, { ...sources, beside: { ...sources.beside, dynamicConfig } })
        return null
      } catch (error) {
        if (error instanceof ConfigError) return error.message
        throw error
      }
    },
  }
  const id = ensemble?.self ?? ownNumber(dataDir)
  return { id, dataDir, dataLogDir: path.resolve(config.dataLogDir), config: old }
}

function ownNumber(dataDir: string): number {
  const id = readMyid(path.join(dataDir, 'myid'))
  if (id !== null) return id
  const reason = 'is missing, so this is no member of an ensemble, and no quorum can be lost'
  throw new RescueError('usage', `${path.join(dataDir, 'myid')} ${reason}`)
}

async function readPeer({ env }: RescueWorld, text: string): Promise<Survivor> {
  const survivor = parseSurvivor(text)
  if (survivor !== null) return survivor
  const folder = path.resolve(text)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    const form =
      'a line of facts such as 2:3:3:0x300000041, as a run on that server shows it, nor a folder'
    throw new RescueError('usage', `--peer ${text} is neither ${form}`)
  }
  return survivorOf(ownNumber(folder), await inspect(env, folder))
}

/** Files that another user makes could not be opened by the server. */
function refuseOtherUser(dataDir: string): void {
  const stats = statSync(dataDir, { throwIfNoEntry: false })
  if (stats === undefined) {
    throw new RescueError('folder', `the data folder ${dataDir} does not exist`)
  }
  const user = process.getuid?.()
  if (user === undefined || stats.uid === user) return
  throw new RescueError(
    'folder',
    `${dataDir} belongs to user ${stats.uid}, and this is user ${user}: run it as the user of the server, ` +
      `for example with sudo -u '#${stats.uid}'`,
  )
}

/* ------------------------------------------------------------------ terminal */

/** One line of the standard input has to be the text. */
async function isConfirmed(text: string): Promise<boolean> {
  process.stderr.write(`To go on all the same, type: ${text}\n`)
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) {
    lines.close()
    return line.trim() === text
  }
  return false
}

function print(document: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

function exitWith(error: unknown): never {
  const exit = exitCodeOf(error)
  if (exit === null) throw error
  process.stderr.write(`zabkeeper: ${(error as Error).message}\n`)
  process.exit(exit.code)
}

function exitCodeOf(error: unknown): ExitCode | null {
  if (error instanceof StorageError) return exitCodeOfStorage(error)
  if (error instanceof ConfigError) return EXIT.usage
  if (error instanceof RescueError) {
    const codes = {
      refused: EXIT.failure,
      usage: EXIT.usage,
      folder: EXIT.dataFolder,
      full: EXIT.diskFailed,
    }
    return codes[error.code]
  }
  if (!(error instanceof Error && 'syscall' in error)) return null
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EIO') return EXIT.diskFailed
  return code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? EXIT.dataFolder : EXIT.failure
}
