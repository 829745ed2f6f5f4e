import { readText } from '../../tidy/source-files.ts'

/** A block of shell commands of a runbook, and what the page says it prints. */
export interface Step {
  /** The heading it stands under. */
  readonly section: string
  /** The machine on which it is run; null for anywhere. */
  readonly host: string | null
  readonly exitCode: number
  readonly commands: string
  /** Lines that appear in this order; null when the page shows none. */
  readonly output: readonly string[] | null
}

const BLOCK = /^## (.*)$|^```sh\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```$)?/gm
const WHERE = /^# on (\w+)(?:, exit code (\d+))?$/

/** All shell blocks of `docs/runbooks/<name>.md`, in their order. */
export function stepsOf(name: string): readonly Step[] {
  const steps: Step[] = []
  let section = ''
  for (const [, heading, commands, output] of readText(`docs/runbooks/${name}.md`).matchAll(
    BLOCK,
  )) {
    if (heading !== undefined) {
      section = heading
      continue
    }
    const where = WHERE.exec(commands!.split('\n', 1)[0]!)
    steps.push({
      section,
      host: where?.[1] ?? null,
      exitCode: Number(where?.[2] ?? 0),
      commands: commands!,
      output: output === undefined ? null : output.split('\n').filter((line) => line !== ''),
    })
  }
  return steps
}

/** Those under one heading. */
export function stepsUnder(name: string, section: string): readonly Step[] {
  const steps = stepsOf(name).filter((step) => step.section === section)
  if (steps.length === 0)
    throw new Error(`docs/runbooks/${name}.md has no commands under ${section}`)
  return steps
}

/** A line without what differs from run to run: numbers, zxids, widths. */
export function masked(line: string): string {
  return line
    .replaceAll(/0x[0-9a-f]+/g, '0x#')
    .replaceAll(/\d[\d,.]*/g, '#')
    .replaceAll(/-{2,}/g, '--')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** The first line that the page shows and the output lacks, where it should be; null if there is none. */
export function missingLine(shown: readonly string[], output: string): string | null {
  const lines = output.split('\n').map(masked)
  let next = 0
  for (const line of shown) {
    if (line.trim() === '…') continue
    const found = lines.indexOf(masked(line), next)
    if (found === -1) return line
    next = found + 1
  }
  return null
}
