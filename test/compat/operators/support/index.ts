export { patroni, zktop } from './peers.ts'
