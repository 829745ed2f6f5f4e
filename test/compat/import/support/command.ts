import { ZABKEEPER_PROGRAM } from '../../../../bench/servers/index.ts'
import { runProgram } from '../../clients/support/programs.ts'

/** Runs `zabkeeper import …` or `export …`; rejects unless it succeeds. Gives what it printed. */
export async function command(...args: readonly string[]): Promise<string> {
  const result = await runProgram(process.execPath, [ZABKEEPER_PROGRAM, ...args])
  if (result.code !== 0) {
    throw new Error(`zabkeeper ${args.join(' ')} ended with ${result.code}:\n${result.output}`)
  }
  return result.stdout
}
