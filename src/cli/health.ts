import { type Command, Option } from 'commander'
import {
  healthDocument,
  judgeHealth,
  probeAll,
  REQUIREMENTS,
  type Requirement,
  renderHealth,
  survey,
} from '../cluster/index.ts'
import {
  addClusterFlags,
  addEnsembleFlag,
  CLUSTER_EXIT_CODES,
  type ClusterFlags,
  printJson,
  runToExit,
  surveyOptions,
} from './cluster-flags.ts'
import { EXIT } from './exit-codes.ts'

interface HealthFlags extends ClusterFlags {
  readonly require: Requirement
  readonly write?: true
  readonly path: string
}

const HELP = `A line for each server, and one for the quorum if all servers are asked: for probes of containers, load balancers and
scripts.

  zabkeeper health                                  this machine's server serves
  zabkeeper health --ensemble --require quorum      the ensemble takes writes, whoever may have failed
  zabkeeper health --write --servers zoo1,zoo2,zoo3 a write through each of the three succeeds

--write makes a session and an ephemeral znode on each server, reads it and deletes it: four transactions.`

export function addHealth(program: Command): void {
  const command = program
    .command('health')
    .description('probe servers; the exit code says how they are')
  addEnsembleFlag(addClusterFlags(command))
    .addOption(
      new Option('--require <what>', 'all servers asked serve, or the ensemble does')
        .choices(REQUIREMENTS)
        .default('all'),
    )
    .option('--write', 'also write, read and delete an ephemeral znode through each server')
    .option('--path <path>', 'of that znode; ten digits are appended', '/zabkeeper-health-')
    .addHelpText('after', `\n${HELP}\n\n${CLUSTER_EXIT_CODES}`)
    .action((flags: HealthFlags) => runToExit(() => check(flags)))
}

async function check(flags: HealthFlags): Promise<number> {
  const options = surveyOptions(flags)
  const ensemble = await survey(options)
  const probes = flags.write === true ? await probeAll(ensemble, options, flags.path) : null
  const report = judgeHealth(ensemble, probes, flags.require)
  if (flags.json === true) printJson(healthDocument(report))
  else process.stdout.write(renderHealth(report))
  return report.isHealthy ? EXIT.ok.code : EXIT.failure.code
}
