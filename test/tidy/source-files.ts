import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

const NOT_OURS = new Set(['.cache', '.git', 'coverage', 'data', 'dist', 'node_modules'])

/** Every file of the project below `folder`, as paths from the project's folder with forward slashes. */
export function listFiles(folder = ''): string[] {
  const entries = readdirSync(path.join(ROOT, folder), { withFileTypes: true })
  return entries
    .filter((entry) => !NOT_OURS.has(entry.name) && !entry.name.startsWith('.dist-'))
    .flatMap((entry) => {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`
      return entry.isDirectory() ? listFiles(name) : [name]
    })
    .sort()
}

export function readText(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8')
}

/** Source text in which comments, and on request strings, are blanked; line numbers stay. */
export function stripComments(source: string, options: { strings: boolean }): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g
  return source.replace(token, (text) => {
    const isComment = text.startsWith('//') || text.startsWith('/*')
    if (!isComment && !options.strings) return text
    // What a template literal computes is code.
    const code = text.startsWith('`') ? [...text.matchAll(/\$\{([^}]*)\}/g)].map((m) => m[1]) : []
    return code.join(' ') + text.replace(/[^\n]/g, '')
  })
}

/** What a source file imports: the text between the quotes. */
export function importsOf(file: string): string[] {
  const source = stripComments(readText(file), { strings: false })
  const pattern = /\b(?:from\s|import\s*\(?)\s*['"]([^'"]+)['"]/g
  return [...source.matchAll(pattern)].map((match) => match[1]!)
}

/** The project path a relative import leads to; null for packages. */
export function resolveImport(file: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  return path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
}

/** All files that are loaded with one, itself included, and the imports of packages among them; Node's own do not count. */
export function loadedWith(entry: string): {
  readonly files: ReadonlySet<string>
  readonly foreign: readonly string[]
} {
  const files = new Set<string>()
  const foreign: string[] = []
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    for (const specifier of importsOf(file)) {
      const target = resolveImport(file, specifier)
      if (target !== null) visit(target)
      else if (!specifier.startsWith('node:')) foreign.push(`${file} imports ${specifier}`)
    }
  }
  visit(entry)
  return { files, foreign }
}
