import { readFileSync } from 'node:fs'
import path from 'node:path'
import { unansweredWords } from '../admin/index.ts'
import type { Config, ConfigOverrides } from '../config/index.ts'
import { ConfigError, defaultConfig, parseZooCfg } from '../config/index.ts'

/** A configuration ready to start with, and what its operator should know about it. */
export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly string[]
}

/**
 * Reads a zoo.cfg, or takes the built-in defaults when there is none. Folders become absolute.
 * @throws ConfigError when the file cannot be read or must not be started with.
 */
export function loadConfig(file: string | undefined, overrides: ConfigOverrides): LoadedConfig {
  const { config, warnings } =
    file === undefined
      ? { config: defaultConfig(overrides), warnings: [] }
      : parseZooCfg(readText(file), file, overrides)
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
    },
    warnings,
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ConfigError(file, null, '', describeReadFault(code))
  }
}

function describeReadFault(code: string): string {
  if (code === 'ENOENT') return 'no such file; give the path of a zoo.cfg, or none for the defaults'
  if (code === 'EISDIR') return 'is a folder; give the path of a zoo.cfg inside it'
  if (code === 'EACCES') return 'may not be read by this user'
  return `cannot be read: ${code}`
}
