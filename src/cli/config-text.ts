import type { ExplainedSetting } from '../config/index.ts'
import type { CheckReport } from './config-check.ts'

/** A report for people. */
export function describeReport(report: CheckReport): string {
  const { file, errors, warnings, notes, settings, unknown } = report
  const guesses = unknown.map(({ name, origin, suggestion }) => {
    const guess = suggestion === null ? '' : `; did you mean ${suggestion}?`
    return `${origin}: ${name}: unknown, without effect${guess}`
  })
  return [
    `${file}: ${verdict(report)}`,
    '',
    ...table(settings, file),
    ...list('errors', errors),
    ...list('warnings', warnings),
    ...list('unknown keys', guesses),
    ...list('notes', notes),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

function verdict({ errors, warnings }: CheckReport): string {
  const concerns = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`
  return errors.length === 0
    ? `a server starts with it${concerns}`
    : `a server does not start with it: ${count(errors.length, 'error')}${concerns}`
}

function table(settings: readonly ExplainedSetting[], file: string): string[] {
  const rows = [
    ['KEY', 'VALUE', 'UNIT', 'FROM', 'NOTE'],
    ...settings.map((setting) => [
      setting.key,
      valueText(setting),
      setting.unit,
      setting.origin.startsWith(`${file}:`)
        ? `line ${setting.origin.slice(file.length + 1)}`
        : setting.origin,
      setting.note,
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** What it comes to, and what is written where that is another value. */
function valueText({ written, effective }: ExplainedSetting): string {
  if (effective === null || effective === '-') return written ?? ''
  if (written === null || written === effective) return effective
  return `${effective} (written ${written === '' ? 'empty' : written})`
}

function list(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)]
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
