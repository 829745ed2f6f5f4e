/** Compares two runs of one script field by field. */
import type { Fields, Message, Value } from './messages.ts'
import { show } from './normalise.ts'
import type { Group } from './runner.ts'

export interface Difference {
  readonly group: Group
  /** Where: connection, position among its messages, field. */
  readonly where: string
  readonly field: string
  readonly message: Message | undefined
  readonly reference: string
  readonly other: string
}

/** Both runs have the same groups, as they come from the same lines. */
export function compareRuns(
  reference: readonly Group[],
  other: readonly Group[],
  isExplained: (group: Group) => boolean = () => false,
): Difference[] {
  const zxids = new ZxidRelation()
  return reference.flatMap((group, index) => {
    zxids.beginGroup(isExplained(group))
    return new GroupComparison(group, other[index], zxids).run()
  })
}

/**
 * Zxids of two servers differ by an offset that stays the same as long as every action consumes as many zxids on one
 * as on the other. A mismatch is reported once; from then on the new offset counts. Behind a group whose difference is
 * explained (it may be that only one server spent a zxid) the new offset is found without a report.
 */
class ZxidRelation {
  private readonly segments: { from: bigint; offset: bigint }[] = [{ from: 1n, offset: 0n }]
  private highest = 0n
  private looseFrom: bigint | undefined
  private hasCompared = false
  private isExplained = false

  beginGroup(isExplained: boolean): void {
    if (this.isExplained) this.looseFrom ??= this.highest
    else if (this.hasCompared) this.looseFrom = undefined
    this.hasCompared = false
    this.isExplained = isExplained
  }

  matches(reference: bigint, other: bigint): boolean {
    if (reference <= 0n || other <= 0n) return reference === other
    this.hasCompared = true
    const same = other === reference + this.offsetAt(reference)
    if (!same) {
      const from = reference > this.highest ? reference : this.highest + 1n
      this.segments.push({ from, offset: other - reference })
    }
    if (reference > this.highest) this.highest = reference
    return same || this.isLoose(reference)
  }

  private isLoose(reference: bigint): boolean {
    return !this.isExplained && this.looseFrom !== undefined && reference >= this.looseFrom
  }

  private offsetAt(zxid: bigint): bigint {
    for (let i = this.segments.length - 1; i > 0; i--) {
      if (this.segments[i]!.from <= zxid) return this.segments[i]!.offset
    }
    return this.segments[0]!.offset
  }
}

const ZXID_FIELDS = new Set(['zxid', 'czxid', 'mzxid', 'pzxid'])

class GroupComparison {
  private readonly group: Group
  private readonly other: Group | undefined
  private readonly zxids: ZxidRelation
  private readonly found: Difference[] = []

  constructor(group: Group, other: Group | undefined, zxids: ZxidRelation) {
    this.group = group
    this.other = other
    this.zxids = zxids
  }

  run(): readonly Difference[] {
    const { group, other } = this
    if (other === undefined) {
      this.report('group', '', undefined, 'ran', 'missing')
      return this.found
    }
    const names = new Set([...group.messages.keys(), ...other.messages.keys()])
    for (const name of names) {
      this.messages(name, group.messages.get(name) ?? [], other.messages.get(name) ?? [])
    }
    return this.found
  }

  private messages(name: string, left: readonly Message[], right: readonly Message[]): void {
    const [a, b] = this.comparable(left, right)
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      const where = `${name}[${i}]`
      const x = a[i]
      const y = b[i]
      if (x === undefined || y === undefined || identity(x) !== identity(y)) {
        this.report(where, '', x ?? y, describe(x), describe(y))
        if (x === undefined || y === undefined) return
      } else if (x.kind !== 'closed' && y.kind !== 'closed') {
        this.fields(
          where,
          x.kind === 'text' ? textShape(x.fields) : x.fields,
          y.kind === 'text' ? textShape(y.fields) : y.fields,
          x,
        )
      }
    }
  }

  private comparable(
    left: readonly Message[],
    right: readonly Message[],
  ): [readonly Message[], readonly Message[]] {
    const flags = new Set(this.group.lines.flatMap((line) => [...line.flags]))
    const kept = (messages: readonly Message[]): readonly Message[] =>
      flags.has('lossy')
        ? messages.filter((message) => message.kind !== 'reply' && message.kind !== 'text')
        : messages
    if (!flags.has('unordered')) return [kept(left), kept(right)]
    const sorted = (messages: readonly Message[]): readonly Message[] =>
      [...kept(messages)].sort((a, b) => (identity(a) < identity(b) ? -1 : 1))
    return [sorted(left), sorted(right)]
  }

  private fields(where: string, left: Fields, right: Fields, message: Message): void {
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      this.value(`${where}.${name}`, name, left[name], right[name], message)
    }
  }

  private value(
    where: string,
    field: string,
    left: Value | undefined,
    right: Value | undefined,
    message: Message,
  ): void {
    if (ZXID_FIELDS.has(field) && typeof left === 'bigint' && typeof right === 'bigint') {
      if (!this.zxids.matches(left, right))
        this.report(where, field, message, show(left), show(right))
    } else if (isFields(left) && isFields(right)) {
      this.fields(where, left, right, message)
    } else if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
      left.forEach((item: Value, i) => {
        this.value(`${where}[${i}]`, field, item, right[i] as Value, message)
      })
    } else if (show(left) !== show(right)) {
      this.report(where, field, message, show(left), show(right))
    }
  }

  private report(
    where: string,
    field: string,
    message: Message | undefined,
    reference: string,
    other: string,
  ): void {
    this.found.push({ group: this.group, where, field, message, reference, other })
  }
}

function isFields(value: Value | undefined): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

/** Two messages with the same identity are compared field by field, others are reported whole. */
function identity(message: Message): string {
  if (message.kind === 'event')
    return `event ${show(message.fields['path'])} ${show(message.fields['type'])}`
  return 'line' in message ? `${message.kind} ${message.line}` : message.kind
}

function describe(message: Message | undefined): string {
  if (message === undefined) return 'nothing'
  return message.kind === 'closed' ? 'closed' : `${message.kind} ${show(message.fields)}`
}

/** Longer four-letter answers hold versions, times and counters: their labels are compared, not the values. */
function textShape(fields: Fields): Fields {
  const text = String(fields['text'])
  if (!text.includes('\n') || text.includes('whitelist')) return fields
  const labels = text.split('\n').map((line) => line.replace(/[=:\t].*$/s, '').trim())
  return { labels: labels.filter((label) => label !== '' && !label.startsWith('/')) }
}

/** A difference as text, with the lines that led to it. */
export function formatDifference(difference: Difference): string {
  const lines = difference.group.lines.map((line) => `    ${line.number}: ${line.text}`)
  return [
    ...lines,
    `      ${difference.where}`,
    `        reference: ${difference.reference}`,
    `        other:     ${difference.other}`,
  ].join('\n')
}
