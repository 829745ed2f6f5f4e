import type { Command } from 'commander'
import { listMembers, membersDocument, renderMembers } from '../cluster/index.ts'
import {
  addClusterFlags,
  CLUSTER_EXIT_CODES,
  type ClusterFlags,
  printJson,
  runToExit,
  surveyOptions,
} from './cluster-flags.ts'
import { EXIT } from './exit-codes.ts'

const HELP = `The list comes from the word conf, else from the znode /zookeeper/config, or from the file of --config. Ends with 0
when there is a list, whatever its servers are doing.

  zabkeeper members --servers zoo1:2181`

export function addMembers(program: Command): void {
  const command = program.command('members').description('list the servers of the ensemble')
  addClusterFlags(command)
    .addHelpText('after', `\n${HELP}\n\n${CLUSTER_EXIT_CODES}`)
    .action((flags: ClusterFlags) =>
      runToExit(async () => {
        const members = await listMembers(surveyOptions(flags))
        if (flags.json === true) printJson(membersDocument(members))
        else process.stdout.write(renderMembers(members))
        return EXIT.ok.code
      }),
    )
}
