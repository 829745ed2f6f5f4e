import { renderEnvironment } from '../texts.ts'
import type { AdminAnswer, AdminContext } from './admin-document.ts'
import { type JsonValue, RawNumber } from './json.ts'
import { settingsOf, withoutSecrets } from './shown-settings.ts'

/** The lines of `envi`. */
export function environmentAnswer({ process }: AdminContext): AdminAnswer {
  const [, ...lines] = renderEnvironment(process).trimEnd().split('\n')
  return {
    data: lines.map((line) => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  }
}

/** The configuration file that a server started from which stands alone; null for a member of an ensemble, as upstream. */
export function initialConfigurationAnswer({ status, start }: AdminContext): AdminAnswer {
  const { configText } = start
  const shown = configText === null || status.quorum !== null ? null : withoutSecrets(configText)
  return { data: [['initial_configuration', shown]] }
}

/** What Java's properties of these names would say, and the settings of the configuration file; sorted. */
export function systemPropertiesAnswer({ process, start }: AdminContext): AdminAnswer {
  const properties: [string, JsonValue][] = [
    ['file.encoding', 'UTF-8'],
    ['file.separator', '/'],
    ['line.separator', '\n'],
    ['node.path', process.nodePath],
    ['node.tmpdir', process.temporaryFolder],
    ['node.version', process.nodeVersion],
    ['os.arch', process.osArch],
    ['os.name', process.osName],
    ['os.version', process.osVersion],
    ['path.separator', ':'],
    ['user.dir', process.workingFolder],
    ['user.home', process.userHome],
    ['user.name', process.userName],
    ['user.timezone', start.timeZone],
    ...settingsOf(start.configText ?? '').map(([key, value]): [string, JsonValue] => [
      `zookeeper.${key}`,
      value,
    ]),
  ]
  return { data: properties.sort(([a], [b]) => (a < b ? -1 : 1)) }
}

export function traceMaskAnswer({ control }: AdminContext): AdminAnswer {
  return { data: [['tracemask', control.traceMask]] }
}

const MASK_NEEDED = 'setTraceMask requires long traceMask argument'

/** `?traceMask=306`; any 64-bit number, as Java reads one. */
export function setTraceMaskAnswer({ control, parameters }: AdminContext): AdminAnswer {
  const text = parameters.get('traceMask')
  if (text === undefined) return { error: MASK_NEEDED }
  const mask = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : null
  if (mask === null || BigInt.asIntN(64, mask) !== mask) {
    return { error: `${MASK_NEEDED}, got ${text}` }
  }
  control.traceMask = mask
  return { data: [['tracemask', new RawNumber(String(mask))]] }
}
