import type { Command } from 'commander'
import type { ConfigRequest } from './config-request.ts'
import { readInteger } from './read-integer.ts'

/** Flags of every command that reads a configuration as a server would. */
export interface ConfigFlags {
  readonly D?: readonly string[]
  readonly fromEnvironment?: true
  readonly port?: number
  readonly host?: string
  readonly dataDir?: string
  readonly tickTime?: number
}

export function addConfigFlags(command: Command): Command {
  return command
    .argument('[zoo.cfg]', 'configuration file; without one: port 2181, data in ./data')
    .option('-p, --port <number>', 'client port, 0 for any free one', readPort)
    .option('--host <address>', 'address to listen on for clients (default: all interfaces)')
    .option('-d, --data-dir <folder>', 'where the data is kept')
    .option('--tick-time <ms>', 'length of a tick; session timeouts are 2 to 20 ticks', readTick)
    .option(
      '-D <property=value>',
      'a system property as for Java: -Dzookeeper.snapCount=50000; the file wins over it',
      (flag: string, flags: readonly string[] = []): readonly string[] => [...flags, flag],
    )
    .option(
      '--from-environment',
      "zoo.cfg and myid are made from the variables of ZooKeeper's container image (ZOO_SERVERS, ZOO_MY_ID, ...), unless they are there",
    )
}

export function configRequest(file: string | undefined, flags: ConfigFlags): ConfigRequest {
  return {
    file,
    isFromEnvironment: flags.fromEnvironment === true,
    javaFlags: flags.D ?? [],
    overrides: {
      ...(flags.port === undefined ? {} : { clientPort: flags.port }),
      ...(flags.host === undefined ? {} : { clientHost: flags.host === '*' ? '' : flags.host }),
      ...(flags.dataDir === undefined ? {} : { dataDir: flags.dataDir }),
      ...(flags.tickTime === undefined ? {} : { tickTimeMs: flags.tickTime }),
    },
  }
}

function readPort(text: string): number {
  return readInteger(text, 0, 65_535)
}

function readTick(text: string): number {
  return readInteger(text, 1, 0x7fff_ffff)
}
