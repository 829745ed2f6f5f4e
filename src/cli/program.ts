import { Command } from 'commander'
import { VERSION } from '../admin/index.ts'
import { addBackup } from './backup.ts'
import { addCheck } from './check.ts'
import { addConfig } from './config.ts'
import { addDoctor } from './doctor.ts'
import { describeExitCodes, EXIT } from './exit-codes.ts'
import { addExport } from './export.ts'
import { addForceQuorum } from './force-quorum.ts'
import { addHealth } from './health.ts'
import { addHoldCommands } from './hold-commands.ts'
import { addImport } from './import.ts'
import { addLog } from './log.ts'
import { addMembers } from './members.ts'
import { addPurge } from './purge.ts'
import { addRestore } from './restore.ts'
import { addServe } from './serve-command.ts'
import { addShell, readShellFlags } from './shell.ts'
import { addSim } from './sim.ts'
import { addSnapshot } from './snapshot.ts'
import { addStatus } from './status.ts'
import { addWatch } from './watch.ts'
import { addWhy } from './why.ts'

/** Runs the command line `argv` (with the two leading entries of `process.argv`). */
export function main(argv: readonly string[]): void {
  buildProgram().parse(readShellFlags(argv))
}

function buildProgram(): Command {
  const program = new Command('zabkeeper')
    .description('A coordination server that ZooKeeper clients use as if it were Apache ZooKeeper.')
    .version(VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', `\n${describeExitCodes()}`)
    .showHelpAfterError('(zabkeeper --help shows what there is)')
    // Commander ends with 1 for a wrong command line; 2 is what operators of the original know.
    .exitOverride((stop) => process.exit(stop.exitCode === 0 ? EXIT.ok.code : EXIT.usage.code))
  addServe(program)
  addConfig(program)
  addImport(program)
  addExport(program)
  addDoctor(program)
  addLog(program)
  addSnapshot(program)
  addBackup(program)
  addRestore(program)
  addPurge(program)
  addForceQuorum(program)
  addSim(program)
  addHoldCommands(program)
  addShell(program)
  addStatus(program)
  addHealth(program)
  addMembers(program)
  addWatch(program)
  addCheck(program)
  addWhy(program)
  return program
}
