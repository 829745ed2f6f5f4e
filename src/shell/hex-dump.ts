const LINE = `+--------+${'-'.repeat(49)}+${'-'.repeat(16)}+`
const HEAD = [
  `         +${'-'.repeat(49)}+`,
  '         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |',
  LINE,
]

/** Bytes as a table of sixteen a row, with their ASCII beside them. Nothing for no bytes. */
export function hexDump(bytes: Uint8Array): string[] {
  if (bytes.length === 0) return ['']
  const rows: string[] = []
  for (let at = 0; at < bytes.length; at += 16) rows.push(row(bytes.subarray(at, at + 16), at))
  return [...HEAD, ...rows, LINE]
}

function row(bytes: Uint8Array, at: number): string {
  const hex = Array.from(bytes, (byte) => ` ${byte.toString(16).padStart(2, '0')}`).join('')
  const text = Array.from(bytes, (byte) =>
    byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : '.',
  ).join('')
  const offset = at.toString(16).padStart(8, '0')
  return `|${offset}|${hex.padEnd(48)} |${text.padEnd(16)}|`
}
