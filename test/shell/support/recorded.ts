import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../../tidy/source-files.ts'

/** One run of zkCli.sh, as it was recorded. */
export interface RecordedRun {
  readonly name: string
  /** Behind `-server host:port`. */
  readonly words: readonly string[]
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

export function readTestdata(file: string): string {
  return readFileSync(path.join(ROOT, 'test/shell/testdata', file), 'utf8')
}

/** The runs in a file of `=== name`, `$ command`, `--- stdout`, `--- stderr`, `--- exit code N`. */
export function readRuns(file: string): RecordedRun[] {
  return readTestdata(file)
    .split(/^=== /m)
    .slice(1)
    .map((text) => {
      const match =
        /^(\S+)\n\$ zkCli\.sh -server \S+ ?(.*)\n--- stdout\n([\s\S]*?)--- stderr\n([\s\S]*?)--- exit code (\d+)\n$/.exec(
          text,
        )
      if (match === null) throw new Error(`no run: ${text}`)
      const [, name, words, stdout, stderr, code] = match
      return {
        name: name!,
        words: splitShellWords(words!),
        stdout: stdout!,
        stderr: stderr!,
        exitCode: Number(code),
      }
    })
}

/** Words as `printf %q` wrote them: a backslash before what a shell would take apart. */
function splitShellWords(text: string): string[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.replace(/\\(.)/g, '$1'))
}

const DATE = /[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2} [A-Z]{3,4} \d{4}/g

/** What stays when values are taken out that differ from run to run: addresses, zxids, times, versions. */
export function shape(text: string): string {
  return text
    .replace(/127\.0\.0\.1:\d+/g, 'HOST')
    .replace(/^([cmp]Zxid) = 0x[\da-f]+$/gm, '$1 = ZXID')
    .replace(/ zxid: \d+$/gm, ' zxid: N')
    .replace(DATE, 'DATE')
    .replace(/^(ZooKeeper CLI version): .*, built on .*$/gm, '$1: V, built on D')
}
