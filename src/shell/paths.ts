import { CommandError } from './failures.ts'

/**
 * Checks a path as `PathUtils.validatePath` does, in its words.
 * @param isPrefix the server will append a number
 * @throws CommandError
 */
export function checkPath(path: string, isPrefix: boolean = false): void {
  const problem = problemOf(isPrefix ? `${path}1` : path)
  if (problem !== null) throw new CommandError('BAD_PATH', problem, { path })
}

/** The path of a child. */
export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

function problemOf(path: string): string | null {
  if (path === '') return 'Path length must be > 0'
  if (!path.startsWith('/')) return 'Path must start with / character'
  if (path === '/') return null
  if (path.endsWith('/')) return 'Path must not end with / character'
  for (let at = 1; at < path.length; at++) {
    const reason = reasonAt(path, at)
    if (reason !== null) {
      return `Invalid path string ${JSON.stringify(path)} caused by ${reason} @${at}`
    }
  }
  return null
}

function reasonAt(path: string, at: number): string | null {
  const unit = path.charCodeAt(at)
  if (unit === 0) return 'null character not allowed'
  if (path[at] === '/' && path[at - 1] === '/') return 'empty node name specified'
  if (path[at] === '.' && (at + 1 === path.length || path[at + 1] === '/')) {
    const before = path.slice(path.lastIndexOf('/', at) + 1, at)
    if (before === '' || before === '.') return 'relative paths not allowed'
  }
  const isForbidden =
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    unit >= 0xfff0
  return isForbidden ? 'invalid character' : null
}
