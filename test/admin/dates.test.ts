import { expect, test } from 'vitest'
import { formatDate } from '../../src/admin/dates.ts'

const DAY_MS = 86_400_000

test('a date is what the calendar says, on every day from 1970 to 2403', () => {
  const last = Date.UTC(2403, 2, 2)
  for (let day = 0; day * DAY_MS <= last; day += 1) {
    const wallMs = day * DAY_MS + ((day * 7_919_000) % DAY_MS)
    const [week, date, month, year, time] = new Date(wallMs).toUTCString().split(/,? /)
    const expected = `${week} ${month} ${date} ${time} UTC ${year}`
    if (formatDate(wallMs) !== expected) expect(formatDate(wallMs)).toBe(expected)
  }
  expect(formatDate(Date.UTC(2026, 10, 21, 2, 43, 47) + 999)).toBe('Sat Nov 21 02:43:47 UTC 2026')
})
