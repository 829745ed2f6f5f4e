import { formatHex } from '../../base/index.ts'
import { count } from '../text.ts'
import type { Examination } from './examine.ts'
import type { Finding, Severity } from './finding.ts'
import type { RepairPlan } from './plan.ts'

const LABELS: Readonly<Record<Severity, string>> = {
  error: 'ERROR  ',
  warning: 'warning',
  note: 'ok     ',
}

/** The whole examination for people: worst things last, where they are read first on a terminal. */
export function describeExamination(examination: Examination): string {
  const { folder, findings, plan } = examination
  const order: readonly Severity[] = ['note', 'warning', 'error']
  const sorted = order.flatMap((severity) => findings.filter((each) => each.severity === severity))
  const lines = [`data folder ${folder.dataDir}`]
  for (const finding of sorted) lines.push(...describeFinding(finding))
  lines.push('', ...describeVerdict(examination), ...describePlan(plan))
  return `${lines.join('\n')}\n`
}

/** One line of JSON with everything. */
export function examinationJson(examination: Examination): string {
  const { folder, use, isMember, findings, plan } = examination
  const worst = worstOf(findings)
  const json = {
    dataDir: folder.dataDir,
    dataLogDir: folder.dataLogDir,
    kind: folder.kind,
    isUsed: use.isUsed,
    pid: use.isUsed ? use.pid : null,
    isMember,
    worst,
    findings,
    repair: planJson(plan),
  }
  return `${JSON.stringify(json)}\n`
}

export function worstOf(findings: readonly Finding[]): Severity {
  if (findings.some(({ severity }) => severity === 'error')) return 'error'
  return findings.some(({ severity }) => severity === 'warning') ? 'warning' : 'note'
}

function describeFinding({ severity, code, what, where, next }: Finding): string[] {
  const place = where === null ? '' : ` (${where})`
  const lines = [`  ${LABELS[severity]}  ${code}: ${what}${place}`]
  if (next !== null) lines.push(`             -> ${next}`)
  return lines
}

function describeVerdict({ findings }: Examination): string[] {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const warnings = findings.filter(({ severity }) => severity === 'warning').length
  if (errors === 0 && warnings === 0) return ['nothing is wrong']
  return [`${count(errors, 'error')}, ${count(warnings, 'warning')}`]
}

/** What `--repair` would do; nothing when there is nothing to do. */
export function describePlan(plan: RepairPlan): string[] {
  switch (plan.kind) {
    case 'none':
      if (plan.strangers.length === 0) return []
      return [`repair: move ${plan.strangers.join(', ')} out of the log folder`]
    case 'restore':
      return [
        `repair: not possible, ${plan.reason}`,
        '  restore a backup: zabkeeper restore <backup> --to <new data folder>',
      ]
    case 'rejoin':
      return [
        `repair: put log and checkpoint aside and let the others bring this member up to date (${plan.reason})`,
        '  An empty member has forgotten what it promised. Start it only while the others have a leader, one member at a',
        '  time: without one it could elect, together with a member that lags behind, a leader that lacks acknowledged writes.',
      ]
    default:
      return describeRebuild(plan)
  }
}

function describeRebuild(plan: Extract<RepairPlan, { kind: 'rebuild' }>): string[] {
  const { from, through, lostFrom, lostThrough } = plan
  const base = from === 0n ? 'the beginning' : `the checkpoint at ${formatHex(from)}`
  const head = `repair: a new log and checkpoint, from ${base} up to zxid ${formatHex(through)}`
  if (lostFrom === null) return [`${head}; no transaction is lost`]
  const until =
    lostThrough === null ? '; how many, nobody can tell' : ` to ${formatHex(lostThrough)}`
  return [
    head,
    `  LOST: transactions from ${formatHex(lostFrom)}${until}. They may have been acknowledged`,
    '  A backup that is newer is better: zabkeeper restore <backup> --to <new data folder>',
    `  otherwise, if that is acceptable: --repair --yes --accept-loss-from ${formatHex(lostFrom)}`,
  ]
}

function planJson(plan: RepairPlan): object {
  if (plan.kind !== 'rebuild') return plan
  const { from, through, lostFrom, lostThrough } = plan
  return {
    kind: plan.kind,
    from: formatHex(from),
    through: formatHex(through),
    lostFrom: lostFrom === null ? null : formatHex(lostFrom),
    lostThrough: lostThrough === null ? null : formatHex(lostThrough),
    strangers: plan.strangers,
  }
}
