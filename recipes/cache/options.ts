import type { WaitOptions } from '../base/index.ts'

/** Of every cache. `signal` and `timeoutMs` bound its opening. */
export interface CacheOptions extends WaitOptions {
  /** Reads under way at a time; default 16. */
  readonly readsMax?: number
  /** Changes that one reader has not read yet; after more a `gap` takes their place. Default 1000. */
  readonly changesMax?: number
  /**
   * - `auto`: watches that stay, or one-shot watches when the server has no others (before 3.6).
   * - `one-shot`: two watches for every znode. For a cache of children whose own subtrees are large and busy: the
   *   watch that stays would tell of everything in them.
   */
  readonly watches?: 'auto' | 'one-shot'
}
