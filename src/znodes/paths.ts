/** The znodes every tree has and nobody may delete. */
export const SYSTEM_PATHS: ReadonlySet<string> = new Set([
  '/',
  '/zookeeper',
  '/zookeeper/quota',
  '/zookeeper/config',
])

const SLASH = 0x2f
const DOT = 0x2e

/**
 * Full validation (`PathUtils.validatePath`): the reason why `path` cannot name a znode, or null when it can.
 * There is no length limit but that of the frame. A path that the tree holds needs no check.
 */
export function pathError(path: string | null): string | null {
  if (path === null) return 'path is null'
  if (path.length === 0) return 'path is empty'
  if (path.charCodeAt(0) !== SLASH) return 'path does not start with /'
  let componentStart = 1
  for (let i = 1; i < path.length; i++) {
    const unit = path.charCodeAt(i)
    if (unit === SLASH) {
      const error = componentError(path, componentStart, i)
      if (error !== null) return error
      componentStart = i + 1
    } else if (!isPathUnit(unit)) {
      return `character U+${unit.toString(16).toUpperCase().padStart(4, '0')} at ${i} is not allowed`
    }
  }
  if (path.length === 1) return null
  if (componentStart === path.length) return 'path ends with /'
  return componentError(path, componentStart, path.length)
}

/**
 * The early check of create and delete: a path with a `/` and without NUL. Everything else about a new name is
 * checked by {@link pathError} once the sequence suffix is there, so `/a/` and `/.` are good prefixes.
 */
export function hasPathShape(path: string): boolean {
  return path.includes('/') && !path.includes('\0')
}

/** Path of the parent; `/` for children of the root and for the root itself. Needs a path with a `/`. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** The last component; empty for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `prefix` and the parent's creation counter, an int32, as `%010d` prints it: the minus sign counts for the width. */
export function sequentialPath(prefix: string, counter: number): string {
  return counter < 0
    ? `${prefix}-${String(-counter).padStart(9, '0')}`
    : prefix + String(counter).padStart(10, '0')
}

function componentError(path: string, start: number, end: number): string | null {
  const length = end - start
  if (length === 0) return 'path has an empty component'
  if (length > 2 || path.charCodeAt(start) !== DOT) return null
  if (length === 2 && path.charCodeAt(start + 1) !== DOT) return null
  return 'path has a component . or ..'
}

/** Refused are control characters, surrogates, private use (U+D800–U+F8FF) and U+FFF0–U+FFFF. */
function isPathUnit(unit: number): boolean {
  if (unit < 0x7f) return unit > 0x1f
  return unit > 0x9f && (unit < 0xd800 || (unit > 0xf8ff && unit < 0xfff0))
}
