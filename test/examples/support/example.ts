import path from 'node:path'
import { Program } from '../../compat/clients/support/index.ts'
import { ROOT } from '../../tidy/source-files.ts'

/** Starts a program below `examples`. It finds the package by its name, in `dist`. */
export function startExample(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Program {
  const program = path.join(ROOT, 'examples', file)
  return new Program(process.execPath, [program, ...args], { env, timeoutMs: 110_000 })
}
