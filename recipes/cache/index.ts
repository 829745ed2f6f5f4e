export type { ChangeStream } from './change-stream.ts'
export { type Condition, Mirror, type MirrorChange } from './mirror.ts'
export type { CacheOptions } from './options.ts'
export type { CachedZnode, ZnodeChange } from './tree-view.ts'
