import { Command } from 'commander'
import { VERSION } from '../admin/version.ts'
import { describeExitCodes, EXIT } from './exit-codes.ts'

/** A file of this folder that adds one command or several. */
export interface Part {
  readonly names: readonly string[]
  readonly load: () => Promise<(program: Command) => void>
}

/**
 * In the order of the help. Only what is asked for is loaded: `zabkeeper health`, which probes start every few seconds,
 * does not wait for a server and a simulator.
 */
export const PARTS: readonly Part[] = [
  { names: ['serve'], load: async () => (await import('./serve-command.ts')).addServe },
  { names: ['config'], load: async () => (await import('./config.ts')).addConfig },
  { names: ['import'], load: async () => (await import('./import.ts')).addImport },
  { names: ['export'], load: async () => (await import('./export.ts')).addExport },
  { names: ['doctor'], load: async () => (await import('./doctor.ts')).addDoctor },
  { names: ['log'], load: async () => (await import('./log.ts')).addLog },
  { names: ['snapshot'], load: async () => (await import('./snapshot.ts')).addSnapshot },
  { names: ['backup'], load: async () => (await import('./backup.ts')).addBackup },
  { names: ['restore'], load: async () => (await import('./restore.ts')).addRestore },
  { names: ['purge'], load: async () => (await import('./purge.ts')).addPurge },
  { names: ['force-quorum'], load: async () => (await import('./force-quorum.ts')).addForceQuorum },
  { names: ['sim'], load: async () => (await import('./sim.ts')).addSim },
  {
    names: ['lock', 'elect', 'run'],
    load: async () => (await import('./hold-commands.ts')).addHoldCommands,
  },
  { names: ['cli'], load: async () => (await import('./shell.ts')).addShell },
  { names: ['status'], load: async () => (await import('./status.ts')).addStatus },
  { names: ['health'], load: async () => (await import('./health.ts')).addHealth },
  { names: ['members'], load: async () => (await import('./members.ts')).addMembers },
  { names: ['watch'], load: async () => (await import('./watch.ts')).addWatch },
  { names: ['check'], load: async () => (await import('./check.ts')).addCheck },
  { names: ['why'], load: async () => (await import('./why.ts')).addWhy },
]

/** Runs the command line `argv` (with the two leading entries of `process.argv`). */
export function main(argv: readonly string[]): void {
  void run(argv)
}

async function run(argv: readonly string[]): Promise<void> {
  const name = argv[2] ?? ''
  const part = PARTS.find(({ names }) => names.includes(name))
  const program = emptyProgram()
  for (const { load } of part === undefined ? PARTS : [part]) {
    const add = await load()
    add(program)
  }
  program.parse(await readFlags(name, argv))
}

/** The shell's flags are those of zkCli. */
async function readFlags(name: string, argv: readonly string[]): Promise<readonly string[]> {
  return name === 'cli' ? (await import('./shell.ts')).readShellFlags(argv) : argv
}

function emptyProgram(): Command {
  return (
    new Command('zabkeeper')
      .description(
        'A coordination server that ZooKeeper clients use as if it were Apache ZooKeeper.',
      )
      .version(VERSION, '-v, --version', 'print the version')
      .helpOption('-h, --help', 'print this help')
      .addHelpText('after', `\n${describeExitCodes()}`)
      .showHelpAfterError('(zabkeeper --help shows what there is)')
      // Commander ends with 1 for a wrong command line; 2 is what operators of the original know.
      .exitOverride((stop) => process.exit(stop.exitCode === 0 ? EXIT.ok.code : EXIT.usage.code))
  )
}
