/** The short form of a group's outcome that scripts keep after `=>`. */
import type { Fields, Message, Value } from './messages.ts'
import type { Group } from './runner.ts'

/**
 * `line number → summary`. A reply is its error code and what it says (`0 "data"`, `[0,-101,-2]`), `none` stands for
 * no reply; what else happened in the group (events, closed connections) stands on its last line.
 */
export function summarise(group: Group): Map<number, string> {
  const summaries = new Map<number, string>()
  if (group.lines.some((line) => line.flags.has('lossy'))) {
    return new Map(group.lines.map((line) => [line.number, 'lossy']))
  }
  for (const line of group.lines) {
    summaries.set(line.number, answersOf(group, line.number) || 'nothing')
  }
  const last = group.lines[group.lines.length - 1]!
  const rest: string[] = []
  for (const [name, messages] of group.messages) {
    for (const message of messages) {
      if (message.kind === 'event') rest.push(`${name}:${eventName(message.fields)}`)
      if (message.kind === 'closed') rest.push(`${name}:closed`)
      if (message.kind === 'undecodable') rest.push(`${name}:undecodable`)
    }
  }
  const text = [answersOf(group, last.number), ...rest].filter((part) => part !== '').join(' ')
  summaries.set(last.number, text === '' ? 'nothing' : text)
  return summaries
}

function answersOf(group: Group, line: number): string {
  const parts: string[] = []
  for (const messages of group.messages.values()) {
    for (const message of messages)
      if ('line' in message && message.line === line) parts.push(answer(message))
  }
  if (parts.length === 0 && group.unanswered.includes(line)) return 'none'
  return parts.join(' ')
}

function answer(message: Message): string {
  if (message.kind === 'connected') {
    return message.fields['timeOut'] === 0 ? 'refused' : `connected ${message.fields['timeOut']}`
  }
  if (message.kind === 'text') return shownText(String(message.fields['text']))
  if (message.kind !== 'reply') return ''
  const fields = message.fields
  if (fields['results'] !== undefined) {
    const codes = (fields['results'] as readonly Fields[]).map((result) => result['error'] ?? 0)
    return `${fields['err'] === 0 ? '' : `${fields['err']} `}[${codes.join(',')}]`
  }
  const said = [
    'path',
    'data',
    'children',
    'ephemerals',
    'totalNumber',
    'acl',
    'clientInfo',
    'token',
  ]
    .filter((name) => fields[name] !== undefined)
    .map((name) => say(fields[name]!))
  return [String(fields['err'] ?? 'session'), ...said].join(' ')
}

function say(value: Value): string {
  if (Array.isArray(value)) return `[${value.map(say).join(',')}]`
  if (typeof value === 'string') {
    const short = value.length > 60 ? `${value.slice(0, 60)}…` : value
    return /^[^\s"#]+$/.test(short) ? short : JSON.stringify(short)
  }
  if (value !== null && typeof value === 'object') return Object.values(value).map(say).join(':')
  return String(value)
}

/** Long texts hold versions, ports and counters. */
function shownText(text: string): string {
  return text.trimEnd().includes('\n') ? 'text' : JSON.stringify(text)
}

function eventName(fields: Fields): string {
  const names: Record<string, string> = { 1: 'created', 2: 'deleted', 3: 'data', 4: 'children' }
  return `${names[String(fields['type'])] ?? fields['type']}:${say(fields['path'] ?? null)}`
}
