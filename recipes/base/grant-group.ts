import { onAbort } from './abort-listeners.ts'
import { RecipeError } from './errors.ts'
import type { Grant, Hold } from './grant.ts'

/** Several grants that are held as one: lost as soon as one of them is. */
export class GrantGroup<G extends Hold = Grant> implements Hold {
  /** In the order they were granted. */
  readonly grants: readonly G[]
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #ignore: (() => void)[]
  #released: Promise<void> | null = null

  constructor(grants: readonly G[]) {
    this.grants = grants
    this.signal = this.#controller.signal
    this.#ignore = grants.map(({ signal }) => onAbort(signal, () => this.#end(signal.reason)))
    if (this.signal.aborted) for (const ignore of this.#ignore) ignore()
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    if (this.signal.aborted) return 0
    return Math.min(...this.grants.map(({ remainingMs }) => remainingMs))
  }

  /** All of them, the last one first; rejects with the first error after all were tried. */
  release(): Promise<void> {
    if (this.#released === null) {
      for (const ignore of this.#ignore) ignore()
      // Before the signal aborts: a listener of it may release, too.
      this.#released = releaseAll(this.grants)
      this.#end(new RecipeError('RELEASED', '', 'it was released'))
    }
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  #end(reason: unknown): void {
    for (const ignore of this.#ignore ?? []) ignore()
    this.#controller.abort(reason)
  }
}

/** Releases all at once, the last one first. Rejects with the first error after all have settled. */
export async function releaseAll(grants: readonly Hold[]): Promise<void> {
  const results = await Promise.allSettled([...grants].reverse().map((grant) => grant.release()))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

/** Settles as `body` does, after the release; when both fail, with what `body` says. */
export async function thenRelease<T>(held: Hold, body: () => Promise<T>): Promise<T> {
  let value: T
  try {
    value = await body()
  } catch (error) {
    // The janitor reports a failure.
    await held.release().catch(() => {})
    throw error
  }
  await held.release()
  return value
}

/** One of several holders within this process of what a grant stands for. */
export class PartGrant implements Grant {
  readonly path: string
  readonly fencingToken: bigint
  readonly signal: AbortSignal
  readonly #whole: Grant
  readonly #controller = new AbortController()
  readonly #onRelease: () => Promise<void>
  readonly #ignore: () => void
  #released: Promise<void> | null = null

  /** @param onRelease is called once */
  constructor(whole: Grant, onRelease: () => Promise<void>) {
    this.#whole = whole
    this.path = whole.path
    this.fencingToken = whole.fencingToken
    this.signal = this.#controller.signal
    this.#onRelease = onRelease
    this.#ignore = onAbort(whole.signal, () => this.#controller.abort(whole.signal.reason))
  }

  get isSure(): boolean {
    return this.remainingMs > 0
  }

  get remainingMs(): number {
    return this.signal.aborted ? 0 : this.#whole.remainingMs
  }

  release(): Promise<void> {
    if (this.#released === null) {
      this.#ignore()
      // Before the signal aborts: a listener of it may release once more, and a part counts once.
      this.#released = this.#onRelease()
      this.#controller.abort(new RecipeError('RELEASED', this.path, 'it was released'))
    }
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}
