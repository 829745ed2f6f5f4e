export { HBaseClient, type HBaseStatus } from './hbase-client.ts'
export { HBaseCluster, type HBaseOptions, type HBaseServer, SESSION_MS } from './hbase-cluster.ts'
export { nameOf, treeShape } from './tree-shape.ts'
export { type HBaseWorld, withHBase } from './with-hbase.ts'
