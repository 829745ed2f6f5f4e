import type { Command } from 'commander'
import {
  count,
  type DataFolder,
  describeExamination,
  describePlan,
  examinationJson,
  examine,
  lookAtFolder,
  looksLikeMember,
  MaintenanceError,
  parseZxid,
  repair,
  worstOf,
} from '../maintenance/index.ts'
import { EXIT } from './exit-codes.ts'
import { progressPrinter } from './import-text.ts'
import { type FolderFlags, readFolder } from './maintenance-folder.ts'
import { MAINTENANCE_CODES, print, runTool } from './maintenance-run.ts'

interface DoctorFlags extends FolderFlags {
  readonly repair?: boolean
  readonly yes?: boolean
  readonly acceptLossFrom?: string
  readonly json?: boolean
}

const HELP = `It only reads, so a server may be running. It says what a start would find: who uses the folder, whether log and
checkpoint are whole, which transactions damage affects, epochs, myid, free space, files in the way.

  zabkeeper doctor /var/lib/zabkeeper
  zabkeeper doctor zoo.cfg                       dataDir, dataLogDir and role from a configuration
  zabkeeper doctor /var/lib/zabkeeper --repair   what a repair would do
  zabkeeper doctor /var/lib/zabkeeper --repair --yes

A repair needs a stopped server. The old files stay in a folder doctor-<time> beside the new ones. Transactions that may
have been acknowledged are given up only with --accept-loss-from, and never on a member of an ensemble: that one is
emptied instead, to be brought up to date by the others.

${MAINTENANCE_CODES}`

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('explain the state of a data folder, and repair it')
    .argument('<dataDir>', 'data folder of a server, or its zoo.cfg')
    .helpOption('-h, --help', 'print this help')
    .option('--log-dir <folder>', 'its dataLogDir, if its configuration has one')
    .option('--repair', 'show what a repair would do')
    .option('--yes', 'with --repair: do it')
    .option('--accept-loss-from <zxid>', 'agree to lose this transaction and all after it')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', `\n${HELP}`)
    .action((where: string, flags: DoctorFlags) => runTool(() => runDoctor(where, flags)))
}

async function runDoctor(where: string, flags: DoctorFlags): Promise<number> {
  if (flags.yes === true && flags.repair !== true) {
    throw new MaintenanceError('--yes goes with --repair', true)
  }
  const acceptLossFrom =
    flags.acceptLossFrom === undefined
      ? null
      : parseZxid(flags.acceptLossFrom, '--accept-loss-from')
  if (acceptLossFrom !== null && flags.yes !== true) {
    throw new MaintenanceError('--accept-loss-from goes with --repair --yes', true)
  }
  const { dataDir, logDir, isMember } = readFolder(where, flags)
  const folder = lookAtFolder(dataDir, logDir)
  if (flags.yes === true) return await runRepair(folder, isMember, acceptLossFrom, flags)
  const examination = await examine(folder, { isMember })
  await print(flags.json === true ? examinationJson(examination) : describeExamination(examination))
  if (flags.repair === true && flags.json !== true) {
    await print('nothing was changed; --yes carries the repair out\n')
  }
  return worstOf(examination.findings) === 'error' ? EXIT.failure.code : EXIT.ok.code
}

async function runRepair(
  folder: DataFolder,
  configured: boolean | null,
  acceptLossFrom: ReturnType<typeof parseZxid> | null,
  flags: DoctorFlags,
): Promise<number> {
  if (folder.kind !== 'ours') {
    throw new MaintenanceError(
      `${folder.dataDir} is no data folder of zabkeeper: nothing to repair`,
    )
  }
  const before = await examine(folder, { isMember: configured })
  const isNeeded = before.plan.kind !== 'none' || before.plan.strangers.length > 0
  if (!isNeeded) {
    await print(
      flags.json === true
        ? examinationJson(before)
        : `${describeExamination(before)}nothing to repair\n`,
    )
    return worstOf(before.findings) === 'error' ? EXIT.failure.code : EXIT.ok.code
  }
  const isMember = configured ?? (before.view === null ? false : looksLikeMember(before.view))
  const onProgress = progressPrinter()
  const { aside, after } = await repair(folder, { isMember, acceptLossFrom, onProgress })
  if (flags.json === true) {
    await print(examinationJson(after))
  } else {
    await print(`${describePlan(before.plan).join('\n')}\n`)
    await print(`done; ${count(aside.length, 'thing')} moved aside:\n  ${aside.join('\n  ')}\n\n`)
    await print(describeExamination(after))
  }
  return worstOf(after.findings) === 'error' ? EXIT.failure.code : EXIT.ok.code
}
