import { existsSync } from 'node:fs'
import { unansweredWords } from '../admin/index.ts'
import {
  type Config,
  ConfigError,
  type ConfigSources,
  type Danger,
  type ExplainedName,
  type ExplainedSetting,
  explainSettings,
  explainUnknown,
  findDangers,
  inspectZooCfg,
  parseMyid,
} from '../config/index.ts'
import {
  type ConfigRequest,
  imageFiles,
  requestedFile,
  requestedProperties,
  type Variables,
} from './config-request.ts'
import { readConfigFiles, readZooCfg } from './load-config.ts'
import { readSystemFacts } from './system-facts.ts'

/** What a configuration comes to, judged on this machine. */
export interface CheckReport {
  /** Its path, or what stands for it. */
  readonly file: string
  /** Each stops the start. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly notes: readonly string[]
  readonly settings: readonly ExplainedSetting[]
  readonly unknown: readonly ExplainedName[]
}

/**
 * Reads a configuration as a start would. Nothing is written.
 * @throws ConfigError when there is no file to read.
 */
export function checkConfig(request: ConfigRequest, variables: Variables): CheckReport {
  const properties = requestedProperties(request, variables)
  const { overrides } = request
  if (request.isFromEnvironment && request.file === undefined) {
    const { zooCfg, myid } = imageFiles(variables)
    if (!existsSync(zooCfg.file)) {
      const beside = { myid: parseMyid(myid.text, 'ZOO_MY_ID') }
      const file = `${zooCfg.file} from the environment`
      return report(zooCfg.text, file, { overrides, properties, beside }, [])
    }
    return checkConfig({ ...request, file: zooCfg.file }, variables)
  }
  const named = requestedFile(request, variables)
  const { text, file } = readZooCfg(named, properties)
  try {
    return report(text, file, readConfigFiles(named, overrides, properties).sources, [])
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // Something beside it is missing; what the text itself says is of interest all the same.
    return report(text, file, { overrides, properties }, [error])
  }
}

/** Faults that only say again that something beside the file could not be read. */
const CONSEQUENCES = ['myid', 'dynamicConfigFile']

function report(
  text: string,
  file: string,
  sources: ConfigSources,
  faults: readonly ConfigError[],
): CheckReport {
  const inspection = inspectZooCfg(text, file, sources)
  const own = inspection.faults.filter(
    ({ key, message }) =>
      faults.length === 0 ||
      (!CONSEQUENCES.includes(key) && faults.every((fault) => fault.message !== message)),
  )
  const { config } = inspection
  const dangers = config === null ? [] : judge(config)
  const tell = ({ key, text: what }: Danger): string => {
    const setting = inspection.settings.find(key)
    return `${setting === undefined || setting.line === null ? file : `${setting.source}:${setting.line}`}: ${key}: ${what}`
  }
  return {
    file,
    errors: [
      ...[...faults, ...own].map(({ message }) => message),
      ...dangers.filter(({ level }) => level === 'error').map(tell),
    ],
    warnings: [
      ...inspection.warnings,
      ...dangers.filter(({ level }) => level === 'warning').map(tell),
    ],
    notes: inspection.notes,
    settings: explainSettings(inspection),
    unknown: explainUnknown(inspection),
  }
}

function judge(config: Config): Danger[] {
  const words = unansweredWords(config.fourLetterWhitelist)
  const text = `there is no such word: ${words.join(', ')}`
  return [
    ...findDangers(config, readSystemFacts(config)),
    ...(words.length === 0 ? [] : [{ level: 'warning', key: WHITELIST, text } as const]),
  ]
}

const WHITELIST = '4lw.commands.whitelist'
