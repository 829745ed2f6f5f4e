import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  ConfigError,
  type ConfigOverrides,
  type PropertySource,
  propertiesOfCommandLine,
  propertiesOfVariable,
  readImageEnvironment,
} from '../config/index.ts'

/** Which configuration a command line asks for. */
export interface ConfigRequest {
  /** Path of a zoo.cfg; undefined if the command line names none. */
  readonly file: string | undefined
  /** Whether the variables of ZooKeeper's official container image say what is in the file. */
  readonly isFromEnvironment: boolean
  /** What followed each `-D`. */
  readonly javaFlags: readonly string[]
  readonly overrides: ConfigOverrides
}

export type Variables = Readonly<Record<string, string | undefined>>

/**
 * Path of the zoo.cfg: the one of the command line, else that of the container, which is written now if there is none, else
 * the one that ZOOCFGDIR and ZOOCFG name, as for zkServer.sh. Undefined for the built-in defaults.
 *
 * @throws ConfigError when a file of the container cannot be written.
 */
export function requestedFile(request: ConfigRequest, variables: Variables): string | undefined {
  if (request.file !== undefined) return request.file
  if (request.isFromEnvironment) return prepareFromEnvironment(variables)
  const { ZOOCFGDIR: folder = '', ZOOCFG: name = '' } = variables
  if (folder === '' && name === '') return undefined
  return folder === '' || name.includes('/') ? name : path.join(folder, name || 'zoo.cfg')
}

/**
 * The properties that are given outside of the file, the stronger ones last: those that the scripts of Apache ZooKeeper
 * derive from its variables, `-D` words of SERVER_JVMFLAGS and JVMFLAGS, and `-D` flags of the command line.
 *
 * @throws ConfigError for a flag that must not be one.
 */
export function requestedProperties(
  { javaFlags }: ConfigRequest,
  variables: Variables,
): readonly PropertySource[] {
  const { ZOO_LOG_DIR: logDir = '', ZOO_DATADIR_AUTOCREATE_DISABLE: autocreate = '' } = variables
  const one = (name: string, key: string, value: string): PropertySource => ({
    name,
    properties: value === '' ? [] : [{ key, value }],
  })
  const sources = [
    one('ZOO_LOG_DIR', 'log.dir', logDir),
    one('ZOO_DATADIR_AUTOCREATE_DISABLE', 'datadir.autocreate', autocreate === '' ? '' : 'false'),
    propertiesOfVariable('SERVER_JVMFLAGS', variables['SERVER_JVMFLAGS'] ?? ''),
    propertiesOfVariable('JVMFLAGS', variables['JVMFLAGS'] ?? ''),
    propertiesOfCommandLine(javaFlags),
  ]
  return sources.filter(({ properties }) => properties.length > 0)
}

/** What the variables of the official image name and describe. */
export interface ImageFiles {
  readonly zooCfg: { readonly file: string; readonly text: string }
  readonly myid: { readonly file: string; readonly text: string }
}

export function imageFiles(variables: Variables): ImageFiles {
  const defined = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  )
  const { confDir, dataDir, zooCfg, myid } = readImageEnvironment(new Map(defined))
  return {
    zooCfg: { file: path.join(confDir, 'zoo.cfg'), text: zooCfg },
    myid: { file: path.join(dataDir, 'myid'), text: myid },
  }
}

/**
 * Does what the entry point of the official image does before it starts the server: writes the zoo.cfg and the `myid`
 * that the variables `ZOO_…` describe, unless they are there.
 */
function prepareFromEnvironment(variables: Variables): string {
  const { zooCfg, myid } = imageFiles(variables)
  writeOnce(zooCfg.file, zooCfg.text, 'ZOO_CONF_DIR')
  writeOnce(myid.file, myid.text, 'ZOO_DATA_DIR')
  return zooCfg.file
}

function writeOnce(file: string, text: string, variable: string): void {
  if (existsSync(file)) return
  try {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text, { flag: 'wx' })
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    // Two containers on one volume: the other one was faster.
    if (code === 'EEXIST' && existsSync(file)) return
    throw new ConfigError(
      file,
      null,
      '',
      `cannot be written (${code}): make its folder writable, put the file there, ` +
        `or name another folder in ${variable}`,
    )
  }
}
