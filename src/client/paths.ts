import { InvalidArgumentError } from './errors.ts'

/**
 * Checks a path by the rules of `PathUtils.validatePath`, before anything is sent. `isPrefix`: a server will append
 * a number, so the last component may be empty, `.` or `..`.
 */
export function checkPath(op: string, path: string, isPrefix: boolean = false): void {
  const problem = problemOf(isPrefix && typeof path === 'string' ? `${path}0` : path)
  if (problem !== null) throw badPath(op, path, problem)
}

function badPath(op: string, path: unknown, problem: string): InvalidArgumentError {
  const shown = typeof path === 'string' ? JSON.stringify(path) : String(path)
  return new InvalidArgumentError('INVALID_ARGUMENT', `${op}: path ${shown} ${problem}`, {
    op,
    path: typeof path === 'string' ? path : null,
  })
}

function problemOf(path: string): string | null {
  if (typeof path !== 'string') return 'is no string'
  if (!path.startsWith('/')) return 'does not begin with /'
  if (path === '/') return null
  if (path.endsWith('/')) return 'ends with /'
  for (let at = 0; at < path.length; at++) {
    if (isForbidden(path.charCodeAt(at))) return `has a character that is not allowed at ${at}`
  }
  if (path.includes('//')) return 'has an empty component'
  if (/\/\.\.?(\/|$)/.test(path)) return 'has a component . or ..'
  return null
}

/** Controls, surrogates and private use, specials. */
function isForbidden(unit: number): boolean {
  return (
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    unit >= 0xfff0
  )
}

/** The path of the znode that holds this one; the root's is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** The last component. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function join(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

/** The part of the tree that a client sees as `/`. */
export class Chroot {
  /** Empty or a path without `/` at its end. */
  readonly prefix: string

  constructor(path: string) {
    this.prefix = path === '/' ? '' : path
  }

  /** What the server calls it. */
  outer(path: string): string {
    if (this.prefix === '') return path
    return path === '/' ? this.prefix : this.prefix + path
  }

  /** What the caller calls it. Paths outside stay as they are. */
  inner(path: string): string {
    const { prefix } = this
    if (prefix === '' || !path.startsWith(prefix)) return path
    if (path.length === prefix.length) return '/'
    return path[prefix.length] === '/' ? path.slice(prefix.length) : path
  }
}
