/** An example of a page of docs, with the output that the page shows after it. */
export interface DocExample {
  readonly code: string
  readonly output: string
}

/** Every block of `js` that is followed by its output. */
export function examplesIn(page: string): DocExample[] {
  const pattern = /^```js\n((?:(?!^```)[\s\S])*)^```\n\n```text\n([\s\S]*?)^```$/gm
  return [...page.matchAll(pattern)].map((match) => ({ code: match[1]!, output: match[2]! }))
}

/**
 * Runs an example and gives what it has printed. `modules` stand for the parts of the package that it may import, by what
 * comes after `zabkeeper/`.
 */
export async function outputOf(
  code: string,
  modules: Readonly<Record<string, unknown>>,
): Promise<string> {
  const lines: string[] = []
  const console = { log: (...words: unknown[]) => lines.push(`${words.join(' ')}\n`) }
  const names = Object.keys(modules)
  let body = code.replace(
    /^import (\{.*\}) from '(node:\w+)'$/gm,
    "const $1 = process.getBuiltinModule('$2')",
  )
  for (const name of names) {
    const pattern = new RegExp(`^import (\\{.*\\}) from 'zabkeeper/${name}'$`, 'm')
    body = body.replace(pattern, `const $1 = ${name}`)
  }
  const make = Object.getPrototypeOf(async () => {}).constructor
  await make(...names, 'console', body)(...Object.values(modules), console)
  return lines.join('')
}
