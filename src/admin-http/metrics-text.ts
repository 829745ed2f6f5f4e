/** Of a text in the format of Prometheus: the samples of these names (`?name[]=`; none names all of them). */
export function selectMetrics(text: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return text
  const out: string[] = []
  /** The comments of a family, written with its first sample. */
  let head: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) head = []
    if (line.startsWith('#')) head.push(line)
    else if (line !== '' && names.has(nameOf(line))) {
      out.push(...head, line)
      head = []
    }
  }
  return out.map((line) => `${line}\n`).join('')
}

function nameOf(sample: string): string {
  return sample.split(/[{ ]/, 1)[0] ?? ''
}
