/** Cells that are numbers stand at the right. */
export type Alignment = 'left' | 'right'

export interface Column<Row> {
  readonly title: string
  readonly align: Alignment
  readonly cell: (row: Row) => string
}

/** A frame of `+`, `-` and `|`, as `etcdctl -w table` draws it. Ends with a line feed. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map(({ cell }) => printable(cell(row))))
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => line[index]!.length)),
  )
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+`
  const draw = (line: readonly string[], aligns: readonly Alignment[]): string =>
    `|${line
      .map((cell, index) =>
        aligns[index] === 'right' ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!),
      )
      .map((cell) => ` ${cell} `)
      .join('|')}|`
  const titles = draw(
    columns.map(({ title }) => title),
    columns.map(() => 'left'),
  )
  const aligns = columns.map(({ align }) => align)
  return [rule, titles, rule, ...cells.map((line) => draw(line, aligns)), rule, ''].join('\n')
}

/** A server may say anything, but does not move the terminal's cursor. */
export function printable(text: string): string {
  return text.replace(/\p{C}/gu, '?')
}
