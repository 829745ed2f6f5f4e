import { ConfigError } from './config-error.ts'
import { isClientProperty, isServerProperty } from './key-places.ts'
import { findKey } from './keys.ts'
import type { PropertySource } from './settings.ts'

/**
 * The `-Dname=value` words of a variable such as `JVMFLAGS` that are meant for a ZooKeeper server. Words are between
 * spaces, as the scripts of Apache ZooKeeper pass them on; other words are for the Java machine.
 *
 * @param name of the variable, for messages.
 */
export function propertiesOfVariable(name: string, text: string): PropertySource {
  const words = text.split(/\s+/).filter((word) => word.startsWith('-D'))
  const properties = words.map((word) => splitFlag(word.slice('-D'.length)))
  return {
    name,
    properties: properties.filter(({ key }) => isServerProperty(key) && isNoList(key)),
  }
}

const COMMAND_LINE = 'command line'

/**
 * What follows `-D` on the command line of the server itself: all of it is meant.
 * @throws ConfigError for a list of servers: that has to be in a file.
 */
export function propertiesOfCommandLine(flags: readonly string[]): PropertySource {
  const properties = flags.map(splitFlag).filter(({ key }) => !isClientProperty(key))
  const stray = properties.find(({ key }) => !isNoList(key))
  if (stray !== undefined) {
    const reason = 'the list of servers must be in the file: write it there without -D'
    throw new ConfigError(COMMAND_LINE, null, `-D${stray.key}`, reason)
  }
  return { name: COMMAND_LINE, properties }
}

/** Java takes a flag without `=` for an empty value. */
function splitFlag(text: string): { readonly key: string; readonly value: string } {
  const equals = text.indexOf('=')
  if (equals === -1) return { key: text.trim(), value: '' }
  return { key: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim() }
}

/** The list of servers is in files only; `zookeeper.server.realm` is no member of it. */
function isNoList(name: string): boolean {
  const key = findKey(name)?.key
  return key !== 'server.N' && key !== 'group.N' && key !== 'weight.N'
}
