import { readFileSync } from 'node:fs'
import path from 'node:path'
import { unansweredWords } from '../admin/index.ts'
import type { Config, ConfigOverrides, FilesBeside, NeededFiles } from '../config/index.ts'
import {
  ConfigError,
  defaultConfig,
  filesBesideZooCfg,
  parseMyid,
  parseZooCfg,
} from '../config/index.ts'

/** A configuration ready to start with, and what its operator should know about it. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly string[]
}

/**
 * Reads a zoo.cfg and the files it needs beside it (`myid`, the dynamic configuration), or takes the built-in defaults
 * when there is none. Folders become absolute.
 * @throws ConfigError when a file cannot be read or must not be started with.
 */
export function loadConfig(file: string | undefined, overrides: ConfigOverrides): LoadedConfig {
  const { config, warnings } =
    file === undefined
      ? { config: defaultConfig(overrides), warnings: [] }
      : readZooCfg(file, overrides)
  const unanswered = unansweredWords(config.fourLetterWhitelist)
  if (unanswered.length > 0) {
    warnings.push(
      `${file}: 4lw.commands.whitelist: not in this version yet: ${unanswered.join(', ')}`,
    )
  }
  return {
    config: {
      ...config,
      dataDir: path.resolve(config.dataDir),
      dataLogDir: path.resolve(config.dataLogDir),
      audit: { ...config.audit, file: path.resolve(config.audit.file) },
    },
    warnings,
  }
}

function readZooCfg(
  file: string,
  overrides: ConfigOverrides,
): { config: Config; warnings: string[] } {
  const text = readText(file, 'give the path of a zoo.cfg, or none for the defaults')
  const beside = readBeside(filesBesideZooCfg(text, file, overrides), file)
  return parseZooCfg(text, file, overrides, beside)
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
function readMyid(file: string): number | null {
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
