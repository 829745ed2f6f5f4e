import { ZONE_NAMES } from './zone-names.ts'

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/**
 * Where each of these is spoken, the zone has a name of its own; elsewhere `Intl` only tells the distance to GMT.
 * The first that knows one counts.
 */
const LOCALES = ['en-US', 'en-GB', 'en-AU', 'en-NZ', 'en-IN', 'en-ZA', 'en-CA']

/** `Sat Nov 21 02:46:54 UTC 2026`: what `java.util.Date.toString` gives in a time zone. */
export function javaDate(ms: bigint, timeZone: string): string {
  const date = new Date(Number(ms))
  // Beyond what a calendar of this machine can say.
  if (Number.isNaN(date.getTime())) return `${ms} ms`
  const parts = new Map(
    clock(timeZone)
      .formatToParts(date)
      .map(({ type, value }) => [type, value]),
  )
  const at = (type: string): string => parts.get(type as Intl.DateTimeFormatPartTypes) ?? ''
  const [year, month, day] = [Number(at('year')), Number(at('month')), Number(at('day'))]
  const weekday = DAYS[new Date(Date.UTC(year, month - 1, day)).getUTCDay()]
  const time = `${at('hour')}:${at('minute')}:${at('second')}`
  const years = String(year).padStart(4, '0')
  return `${weekday} ${MONTHS[month - 1]} ${at('day')} ${time} ${zoneName(date, timeZone)} ${years}`
}

/** The time zone of this process. */
export function localTimeZone(): string {
  return new Intl.DateTimeFormat('en-US').resolvedOptions().timeZone
}

const CLOCKS = new Map<string, Intl.DateTimeFormat>()

function clock(timeZone: string): Intl.DateTimeFormat {
  const known = CLOCKS.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit' },
    ...{ hour: '2-digit', minute: '2-digit', second: '2-digit' },
  })
  CLOCKS.set(timeZone, made)
  return made
}

function zoneName(date: Date, timeZone: string): string {
  const abbreviation = ZONE_NAMES.get(timeZone)
  if (abbreviation !== undefined) return abbreviation
  let name = ''
  for (const locale of LOCALES) {
    const format = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'short' })
    name = format.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value ?? ''
    if (!/\d/.test(name)) return name
  }
  return gmtOffset(name)
}

/** `GMT+5:30` as Java writes it: `GMT+05:30`. */
function gmtOffset(name: string): string {
  const match = /^GMT([+\-−])(\d+)(?::(\d+))?$/.exec(name)
  if (match === null) return name
  const [, sign, hours, minutes = '00'] = match
  return `GMT${sign === '−' ? '-' : sign}${hours!.padStart(2, '0')}:${minutes}`
}
