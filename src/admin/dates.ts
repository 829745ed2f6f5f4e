const DAYS = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed']
const MONTHS = 'Mar Apr May Jun Jul Aug Sep Oct Nov Dec Jan Feb'.split(' ')
const DAY_MS = 86_400_000
/** Of 400 years, after which the calendar repeats itself. */
const ERA_DAYS = 146_097
/** From 1 March of the year 0 to 1 January 1970. */
const EPOCH_DAYS = 719_468

/** `Sat Nov 21 02:43:47 UTC 2026`, as Java prints a date; always in UTC. For times from 1970 on. */
export function formatDate(wallMs: number): string {
  const days = Math.floor(wallMs / DAY_MS)
  const seconds = Math.floor((wallMs - days * DAY_MS) / 1000)
  const time = [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => twoDigits(Math.floor(part)))
    .join(':')
  // Years begin in March here, so that the day that may be missing is the last one.
  const era = Math.floor((days + EPOCH_DAYS) / ERA_DAYS)
  const day = days + EPOCH_DAYS - era * ERA_DAYS
  const leaps = Math.floor(day / 1460) - Math.floor(day / 36_524) + Math.floor(day / 146_096)
  const year = Math.floor((day - leaps) / 365)
  const dayOfYear = day - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
  const month = Math.floor((5 * dayOfYear + 2) / 153)
  const dayOfMonth = dayOfYear - Math.floor((153 * month + 2) / 5) + 1
  const shownYear = era * 400 + year + (month >= 10 ? 1 : 0)
  return `${DAYS[days % 7]} ${MONTHS[month]} ${twoDigits(dayOfMonth)} ${time} UTC ${shownYear}`
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, '0')
}
