export { CLUSTER, PatroniNode, TTL_MS } from './patroni-node.ts'
export { patroni, zktop } from './peers.ts'
