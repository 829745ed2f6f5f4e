const PROCESS_SAMPLE = /^(jvm|process)_/

/**
 * Of a text in the format of Prometheus: the samples of these names (`?name[]=`; none names all of them), and those of
 * the process only if they are wanted.
 */
export function selectMetrics(
  text: string,
  names: ReadonlySet<string>,
  exportsProcessFigures: boolean,
): string {
  if (names.size === 0 && exportsProcessFigures) return text
  const out: string[] = []
  /** The comments of a family, written with its first sample. */
  let head: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) head = []
    if (line.startsWith('#')) head.push(line)
    else if (line !== '' && isWanted(nameOf(line), names, exportsProcessFigures)) {
      out.push(...head, line)
      head = []
    }
  }
  return out.map((line) => `${line}\n`).join('')
}

function isWanted(
  name: string,
  names: ReadonlySet<string>,
  exportsProcessFigures: boolean,
): boolean {
  if (!exportsProcessFigures && PROCESS_SAMPLE.test(name)) return false
  return names.size === 0 || names.has(name)
}

function nameOf(sample: string): string {
  return sample.split(/[{ ]/, 1)[0] ?? ''
}
