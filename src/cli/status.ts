import type { Command } from 'commander'
import { problemsOf, renderStatus, statusDocument, survey } from '../cluster/index.ts'
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

const HELP = `A line for each server, zabkeeper's and Apache's alike, and below the table what is wrong.

  zabkeeper status
  zabkeeper status --ensemble --servers zoo1:2181
  zabkeeper status --config /etc/zookeeper/conf/zoo.cfg --json

Servers are asked with the word srvr, and with mntr and conf where 4lw.commands.whitelist has them; without those the
columns ID and UPTIME stay empty. LAG counts transactions behind the leader.`

export function addStatus(program: Command): void {
  const command = program.command('status').description('show what the servers are doing')
  addEnsembleFlag(addClusterFlags(command))
    .addHelpText('after', `\n${HELP}\n\n${CLUSTER_EXIT_CODES}`)
    .action((flags: ClusterFlags) =>
      runToExit(async () => {
        const report = await survey(surveyOptions(flags))
        if (flags.json === true) printJson(statusDocument(report))
        else process.stdout.write(renderStatus(report))
        return problemsOf(report).length === 0 ? EXIT.ok.code : EXIT.failure.code
      }),
    )
}
