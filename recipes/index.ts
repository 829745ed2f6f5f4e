export { Barrier, type BarrierOptions } from './barrier.ts'
export {
  type ContestOptions,
  type Grant,
  type GrantGroup,
  type GrantOptions,
  type Hold,
  type Kind,
  type Layout,
  type Participant,
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
export { type BarrierMember, DoubleBarrier, type DoubleBarrierOptions } from './double-barrier.ts'
export {
  Group,
  type GroupLayout,
  type GroupMember,
  type GroupOptions,
  type JoinOptions,
  type Membership,
} from './group.ts'
export { IdGenerator, type IdGeneratorOptions } from './id-generator.ts'
export { KazooLease } from './kazoo-lease.ts'
export { LeaderLatch, type LeaderLatchOptions } from './leader-latch.ts'
export {
  LeaderObserver,
  type LeaderObserverOptions,
  type ObservedLeader,
} from './leader-observer.ts'
export { LeaderSelector, type LeaderSelectorOptions, type Leading } from './leader-selector.ts'
export { Lease, type LeaseInfo, type LeaseOptions } from './lease.ts'
export type {
  HeldKazooLease,
  HeldLease,
  KazooLeaseOptions,
  KazooLeaseRecord,
} from './leases/index.ts'
export { LockingQueue, type LockingQueueOptions } from './locking-queue.ts'
export { type Acquirable, MultiLock } from './multi-lock.ts'
export { Mutex, type MutexOptions } from './mutex.ts'
export { NodeCache, type NodeCacheOptions, type NodeChange, type NodeValue } from './node-cache.ts'
export {
  everyNth,
  type ItemWork,
  type OwnedItem,
  Partitioner,
  type PartitionerOptions,
} from './partitioner.ts'
export { PersistentNode, type PersistentNodeOptions } from './persistent-node.ts'
export { PriorityQueue, type PutOptions } from './priority-queue.ts'
export { Queue, type QueueOptions } from './queue.ts'
export type { ClaimedEntry, EntryQueueOptions, Taken } from './queues/index.ts'
export { type LockSide, ReadWriteLock, type ReadWriteLockOptions } from './read-write-lock.ts'
export { LockOwner, ReentrantMutex } from './reentrant-mutex.ts'
export { RevocableMutex } from './revocable-mutex.ts'
export { Semaphore, type SemaphoreOptions } from './semaphore.ts'
export {
  buildUri,
  type NewService,
  type RegisterOptions,
  type Registration,
  random,
  roundRobin,
  type ServiceInstance,
  ServiceRegistry,
  type ServiceType,
  ServiceView,
  type Strategy,
  sticky,
  type UriPart,
} from './service-registry.ts'
export { type ReadOptions, SharedValue } from './shared-value.ts'
export { Stm, type StmOptions, type StmResult, type StmTransaction } from './stm.ts'
export { TreeCache, type TreeCacheOptions, type TreeChange } from './tree-cache.ts'
export {
  BYTES,
  type Change,
  type Codec,
  TEXT,
  type ValueOptions,
  type Versioned,
} from './values/index.ts'
export { whileHeld } from './while-held.ts'
