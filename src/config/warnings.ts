import type { ConfigError } from './config-error.ts'
import type { EnsembleConfig } from './ensemble.ts'
import { apachePlace } from './key-places.ts'
import type { Treatment } from './keys.ts'
import { placeOf, type Setting, type Settings } from './settings.ts'
import { suggestKey } from './suggest.ts'

const NOT_YET = 'not in this version yet'

/** Ignoring these would leave the server open where its operator believes it closed. */
export function missingProtections(
  settings: Settings,
  ensemble: EnsembleConfig | null,
): ConfigError[] {
  const faults = settings.known
    .filter((setting) => setting.spec.treatment === 'guarded' && !isDefault(setting))
    .map((setting) =>
      settings.refuse(
        setting,
        `this protection is ${NOT_YET}, and starting without it would be less safe than configured. ` +
          `Remove ${setting.line === null ? 'it' : 'the line'} to start without it`,
      ),
    )
  const autocreate = settings.find('db.autocreate')
  if (autocreate === undefined || ensemble === null || settings.boolean('db.autocreate', true)) {
    return faults
  }
  const reason =
    `keeping a server with an empty data folder from voting is ${NOT_YET}. ` +
    'Remove the line to start without this protection'
  return [...faults, settings.refuse(autocreate, reason)]
}

export function collectWarnings(settings: Settings, ensemble: EnsembleConfig | null): string[] {
  const { file } = settings
  const warnings: string[] = []
  const groups = [
    ['not supported yet', namesOf(settings, ensemble === null ? ['later'] : ['ensemble', 'later'])],
    ['nothing to change in this server', namesOf(settings, ['irrelevant'])],
    ['unknown', settings.unknown.map(({ name }) => withSuggestion(name))],
  ] as const
  const parts = groups
    .filter(([, names]) => names.length > 0)
    .map(([title, names]) => `${title}: ${names.join(', ')}`)
  if (parts.length > 0) warnings.push(`${file}: keys without effect: ${parts.join('; ')}`)
  for (const setting of settings.repeated) {
    warnings.push(`${placeOf(setting)} is given more than once; the last one counts`)
  }
  return [...warnings, ...valueWarnings(settings, ensemble)]
}

function withSuggestion(name: string): string {
  const key = suggestKey(name)
  return key === null ? name : `${name} (did you mean ${key}?)`
}

function valueWarnings(settings: Settings, ensemble: EnsembleConfig | null): string[] {
  const warnings: string[] = []
  const warn = (setting: Setting | undefined, when: boolean, text: string): void => {
    if (setting === undefined || !when) return
    warnings.push(`${placeOf(setting)}=${setting.value}: ${text}`)
  }
  const forceSync = settings.find('forceSync')
  warn(forceSync, forceSync?.value === 'no', 'ignored: an answered write is always on disk here')
  const skipAcl = settings.find('skipACL')
  warn(skipAcl, skipAcl?.value === 'yes', 'ACLs are not checked: every client may do everything')
  const extra = settings.find('jute.maxbuffer.extrasize')
  warn(extra, extra !== undefined, 'ignored: what fits in a request always fits in the log')
  const reconfig = settings.find('reconfigEnabled')
  warn(
    reconfig,
    ensemble !== null && settings.boolean('reconfigEnabled', false),
    `changing an ensemble while it runs is ${NOT_YET}: reconfig is answered with an error`,
  )
  return warnings
}

function namesOf(settings: Settings, treatments: readonly Treatment[]): string[] {
  return settings.known
    .filter(({ spec }) => treatments.includes(spec.treatment))
    .filter(asksForSomething)
    .map((setting) => setting.name)
}

/** A feature that is not there is off: asking for it says so, switching it off does not. */
function asksForSomething(setting: Setting): boolean {
  const { spec, value } = setting
  if (spec.treatment === 'later' && spec.kind === 'boolean') return /^true$/i.test(value)
  return !isDefault(setting)
}

/** Whether a value is what upstream has when the key is absent. */
export function isDefault({ spec, value }: Setting): boolean {
  if (spec.kind === 'port' && Number(value) <= 0) return true
  if (spec.kind === 'integer' || spec.kind === 'decimal') {
    return spec.fallback !== '' && Number(value) === Number(spec.fallback)
  }
  return value.toLowerCase() === spec.fallback.toLowerCase()
}

/** Of values whose place upstream would not look at, and of those that are not in the file. */
export function collectNotes(settings: Settings): string[] {
  return [
    ...settings.overruled.map((setting) => {
      const winner = settings.known.find(({ spec }) => spec === setting.spec)!
      return `${placeOf(setting)}: without effect: ${winner.line === null ? winner.source : `${winner.source}:${winner.line}`} says otherwise, and counts`
    }),
    ...settings.known.flatMap((setting) => {
      const text = placeNote(setting)
      return text === null ? [] : [`${placeOf(setting)}: ${text}`]
    }),
  ]
}

/** What is odd about the place of a setting, or null. */
export function placeNote({ spec, name, line }: Setting): string | null {
  const place = apachePlace(spec)
  if (line === null) {
    return place === 'file'
      ? 'counts here; Apache ZooKeeper reads it from its file only'
      : 'counts, as the file does not say otherwise'
  }
  if (name.startsWith('zookeeper.')) {
    return `counts as ${name.slice('zookeeper.'.length)}; Apache ZooKeeper has it without effect under this name`
  }
  if (place !== 'flag') return null
  return 'counts here; Apache ZooKeeper reads it from -D flags only'
}
