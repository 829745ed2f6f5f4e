export { BROKERS, type Broker, CHROOT, Kafka, TOOLS } from './cluster.ts'
export { controllerEpoch, controllerOf, registrations } from './sessions.ts'
export { type Count, NOTHING_WRONG, Traffic } from './traffic.ts'
export { type World, type WorldOptions, withKafka } from './world.ts'
