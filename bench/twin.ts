import { spawn } from 'node:child_process'

/** Runs a program that takes its options as JSON argument and prints its result as JSON, in a process of its own. */
export async function runTwin<Result>(
  command: string,
  file: string,
  options: object,
): Promise<Result> {
  const child = spawn(command, [file, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${file} ended with code ${code}`)
  return JSON.parse(output) as Result
}

/** The program's own end of it. */
export function answerTwin<Options>(run: (options: Options) => Promise<object>): void {
  run(JSON.parse(process.argv[2] ?? '{}') as Options).then(
    (result) => {
      process.stdout.write(`${JSON.stringify(result)}\n`)
      process.exit(0)
    },
    (error: unknown) => {
      process.stderr.write(`${process.argv[1]}: ${String(error)}\n`)
      process.exit(1)
    },
  )
}
