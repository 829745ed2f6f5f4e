export { SimClock } from './clock.ts'
export { type DiskCopy, SimDisk, type SimDiskOptions } from './disk.ts'
export { RowsStore, SIM_SECTOR_BYTES, SimFile, SimFolder } from './disk-contents.ts'
export type { FaultMatch, OperationKind } from './disk-operation.ts'
export { type EnsembleOptions, SimEnsemble, SimMember } from './ensemble.ts'
export type { OpenSimDisk, SimDiskPorts, SimLogLine } from './environment.ts'
export { SimEnvironment } from './environment.ts'
export type { ScheduledEvent } from './event-queue.ts'
export { EventQueue } from './event-queue.ts'
export { FaultInjector } from './fault-injector.ts'
export type {
  DrawnFault,
  FaultProfile,
  FaultScript,
  ProfileOptions,
  TimedFault,
} from './fault-profile.ts'
export { DRAWN_FAULTS, drawFault, drawProfile, drawScript } from './fault-profile.ts'
export { checkFaultScript, FaultScriptError } from './fault-script.ts'
export type { FaultAction, FaultKind } from './faults.ts'
export { applyFault, describeFault, healWorld } from './faults.ts'
export type { HostEvent, HostEventKind, HostOptions, HostState, Program } from './host.ts'
export { SimHost } from './host.ts'
export type { LinkOptions } from './link.ts'
export { Link } from './link.ts'
export type { SimNetworkOptions } from './network.ts'
export { SimNetwork } from './network.ts'
export { SimRandom } from './random.ts'
export { SimTimers } from './timers.ts'
export type { WorldOptions } from './world.ts'
export { createSimEnvironment, SimWorld } from './world.ts'
