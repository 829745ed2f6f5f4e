import type { Labelled, Observer } from '../../env/index.ts'

/** Namespaces that are known by their first characters, so that no string has to be made for a request. */
const REMEMBERED = 8
const SLASH = 0x2f

/** Sizes by namespace, the first element of a path (`read_per_namespace`); what is about the root is not measured. */
export class NamespaceSizes {
  readonly #sizes: Labelled<Observer>
  /** `/app`, and what measures it. */
  readonly #prefixes: string[] = []
  readonly #observers: Observer[] = []
  #next = 0

  constructor(sizes: Labelled<Observer>) {
    this.#sizes = sizes
  }

  observe(path: string, bytes: number): void {
    for (let i = 0; i < this.#prefixes.length; i += 1) {
      const prefix = this.#prefixes[i]!
      if (!path.startsWith(prefix)) continue
      if (path.length > prefix.length && path.charCodeAt(prefix.length) !== SLASH) continue
      this.#observers[i]!.observe(path.length + bytes)
      return
    }
    const namespace = namespaceOf(path)
    if (namespace === null) return
    const observer = this.#sizes.of(namespace)
    this.#prefixes[this.#next] = `/${namespace}`
    this.#observers[this.#next] = observer
    this.#next = (this.#next + 1) % REMEMBERED
    observer.observe(path.length + bytes)
  }
}

/** `app` of `/app/locks/1` (`PathUtils.getTopNamespace`); null for the root. */
export function namespaceOf(path: string): string | null {
  const end = path.indexOf('/', 1)
  const namespace = end < 0 ? path.slice(1) : path.slice(1, end)
  return namespace === '' ? null : namespace
}
