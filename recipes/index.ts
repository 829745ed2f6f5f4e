export {
  type Grant,
  type Layout,
  RecipeError,
  type RecipeErrorCode,
  type WaitOptions,
} from './base/index.ts'
export type {
  CachedZnode,
  CacheOptions,
  ChangeStream,
  Condition,
  ZnodeChange,
} from './cache/index.ts'
export { ChildrenCache, type ChildrenCacheOptions, type ChildrenChange } from './children-cache.ts'
export { type Counted, Counter, type CounterEncoding, type CounterOptions } from './counter.ts'
export { Mutex, type MutexOptions } from './mutex.ts'
export { NodeCache, type NodeCacheOptions, type NodeChange, type NodeValue } from './node-cache.ts'
export { type ReadOptions, SharedValue } from './shared-value.ts'
export { TreeCache, type TreeCacheOptions, type TreeChange } from './tree-cache.ts'
export {
  BYTES,
  type Change,
  type Codec,
  TEXT,
  type ValueOptions,
  type Versioned,
} from './values/index.ts'
