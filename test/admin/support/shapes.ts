/**
 * What is left of an answer when its values are taken out: two servers that say the same of different things have the
 * same shape. Lines that may occur any number of times (clients, sessions) are there once.
 */
export function shapeOf(word: string, text: string): string {
  const lines = text.split('\n').map((line) => shapeOfLine(word, line))
  if (!REPEATED.has(word)) return lines.join('\n')
  const different = [...new Set(lines)]
  // Connections are shown in no order.
  return (word === 'cons' ? different.sort() : different).join('\n')
}

/** The words whose answers list something. In `dump` and `conf`, neighbours that are alike count once. */
const REPEATED: ReadonlySet<string> = new Set([
  'stat',
  'cons',
  'dump',
  'wchc',
  'wchp',
  'hash',
  'conf',
])

function shapeOfLine(word: string, line: string): string {
  if (word === 'conf' || word === 'envi') return shapeOfSetting(line)
  return line
    .replace(/^(Zookeeper version: ).*$/, '$1VERSION')
    .replace(/\d expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}:/, '0 expire at DATE:')
    .replace(/^(\t?)\/[^[\s]*$/, '$1PATH')
    .replaceAll(/0x[0-9a-f]+/g, 'HEX')
    .replace(/^[0-9a-f]+: -?\d+$/, 'ZXID: N')
    .replace(/\[[01]\]/, '[I]')
    .replaceAll(/(?:\d+\.){3}\d+:\d+/g, 'ADDRESS')
    .replaceAll(/-?\d+(\.\d+)?/g, (_, fraction) => (fraction === undefined ? 'N' : 'N.N'))
    .replace(/lop=[A-Z]+/, 'lop=OP')
    .replace(/,lcxid=HEX/, '')
}

function shapeOfSetting(line: string): string {
  if (/^server\.\d+=/.test(line)) return 'SERVER'
  return line.replace(/=.*$/, '=')
}

/** `dump` in parts: empty buckets come and go, and their order is that of time. */
export function shapeOfDump(text: string): readonly string[] {
  const shape = shapeOf('dump', text)
  return [...new Set(shape.split('\n'))].filter((line) => line !== '0 expire at DATE:').sort()
}

/** The names of a `mntr` answer; of labelled metrics without the label, which is a name of znodes or a server's id. */
export function monitorNames(text: string): ReadonlySet<string> {
  const names = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t', 1)[0]!)
  return new Set(
    names.map((name) => name.replace(LABELLED, (_, kind, set) => `${kind ?? ''}*_${set}`)),
  )
}

const LABELLED =
  /(?<=^zk_)(avg_|min_|max_|cnt_|sum_|p50_|p95_|p99_|p999_)?\w+?_((?:quota_\w+|read|write)_per_namespace|learner_handler_qp_\w+|(?<=\d_)ack_latency)$/
