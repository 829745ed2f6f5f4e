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
export { Mutex, type MutexOptions } from './mutex.ts'
export { NodeCache, type NodeCacheOptions, type NodeChange, type NodeValue } from './node-cache.ts'
export { TreeCache, type TreeCacheOptions, type TreeChange } from './tree-cache.ts'
