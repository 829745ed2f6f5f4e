import type { Command } from '../command.ts'
import { ACL_COMMANDS } from './acls.ts'
import { ENSEMBLE_COMMANDS } from './ensemble.ts'
import { QUOTA_COMMANDS } from './quotas.ts'
import { READ_COMMANDS } from './reads.ts'
import { SESSION_COMMANDS } from './session.ts'
import { WATCH_COMMANDS } from './watches.ts'
import { WRITE_COMMANDS } from './writes.ts'

/** Every command by its name; sorted as zkCli lists them. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  [
    ...ACL_COMMANDS,
    ...ENSEMBLE_COMMANDS,
    ...QUOTA_COMMANDS,
    ...READ_COMMANDS,
    ...SESSION_COMMANDS,
    ...WATCH_COMMANDS,
    ...WRITE_COMMANDS,
  ]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((command) => [command.name, command]),
)

/** What a wrong command gets to see. */
export const COMMAND_LIST: readonly string[] = [
  'ZooKeeper -server host:port -client-configuration properties-file cmd args',
  ...[...COMMANDS.values()]
    .filter(({ isHidden }) => isHidden === undefined)
    .map(({ name, usage }) => `\t${name} ${usage}`),
]
