import { readFileSync } from 'node:fs'
import path from 'node:path'
import { unansweredWords } from '../admin/index.ts'
import type {
  Config,
  ConfigOverrides,
  ConfigSources,
  FilesBeside,
  NeededFiles,
  ParsedConfig,
  PropertySource,
} from '../config/index.ts'
import {
  builtInZooCfg,
  ConfigError,
  filesBesideZooCfg,
  parseMyid,
  parseZooCfg,
} from '../config/index.ts'

/** A configuration ready to start with, and what its operator should know about it. */
export type LoadedConfig = ParsedConfig

/** What stands for the name of the file when there is none. */
export const NO_FILE = 'built-in defaults'

/** A zoo.cfg with everything that it needs to be understood. */
export interface ConfigFiles {
  readonly text: string
  /** Its path, or {@link NO_FILE}. */
  readonly file: string
  readonly sources: ConfigSources
}

/**
 * Reads a zoo.cfg and the files it needs beside it (`myid`, the dynamic configuration), or takes the built-in defaults
 * when there is none. Folders become absolute.
 * @param properties from outside of the file, which wins over them.
 * @throws ConfigError when a file cannot be read or must not be started with.
 */
export function loadConfig(
  file: string | undefined,
  overrides: ConfigOverrides,
  properties: readonly PropertySource[] = [],
): LoadedConfig {
  const files = readConfigFiles(file, overrides, properties)
  const { config, warnings, notes } = parseZooCfg(files.text, files.file, files.sources)
  const unanswered = unansweredWords(config.fourLetterWhitelist)
  const words = `${files.file}: 4lw.commands.whitelist: there is no such word: ${unanswered.join(', ')}`
  return {
    config: withAbsolutePaths(config),
    warnings: unanswered.length === 0 ? warnings : [...warnings, words],
    notes,
  }
}

/** @throws ConfigError when a file cannot be read. */
export function readConfigFiles(
  file: string | undefined,
  overrides: ConfigOverrides,
  properties: readonly PropertySource[],
): ConfigFiles {
  const zooCfg = readZooCfg(file, properties)
  const needed = filesBesideZooCfg(zooCfg.text, zooCfg.file, { overrides, properties })
  return { ...zooCfg, sources: { overrides, properties, beside: readBeside(needed, zooCfg.file) } }
}

/** @throws ConfigError when it cannot be read. */
export function readZooCfg(
  file: string | undefined,
  properties: readonly PropertySource[],
): Omit<ConfigFiles, 'sources'> {
  if (file === undefined) return { text: builtInZooCfg(properties), file: NO_FILE }
  return { text: readText(file, 'give the path of a zoo.cfg, or none for the defaults'), file }
}

function withAbsolutePaths(config: Config): Config {
  return {
    ...config,
    dataDir: path.resolve(config.dataDir),
    dataLogDir: path.resolve(config.dataLogDir),
    audit: { ...config.audit, file: path.resolve(config.audit.file) },
  }
}

function readBeside({ myid, dynamicConfig }: NeededFiles, file: string): FilesBeside {
  return {
    myid: myid === null ? null : readMyid(myid),
    dynamicConfig:
      dynamicConfig === null
        ? null
        : {
            file: dynamicConfig,
            text: readText(dynamicConfig, `dynamicConfigFile in ${file} names it`),
          },
  }
}

/** A server that stands alone needs none, so that a missing one is not a fault yet. */
export function readMyid(file: string): number | null {
  try {
    return parseMyid(readFileSync(file, 'utf8'), file)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code = codeOf(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw new ConfigError(file, null, '', describeReadFault(code, ''))
  }
}

function readText(file: string, whenMissing: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ConfigError(file, null, '', describeReadFault(codeOf(error), whenMissing))
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function describeReadFault(code: string, whenMissing: string): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') return `no such file; ${whenMissing}`
  if (code === 'EISDIR') return 'is a folder, and must be a file'
  if (code === 'EACCES') return 'may not be read by this user'
  return `cannot be read: ${code}`
}
