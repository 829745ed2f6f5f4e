import { type ClientOptions, connectIn, type ZooKeeper } from '../../../src/client/index.ts'
import type { SimEnvironment } from '../../../src/sim/index.ts'
import { CountedTimers } from '../../client/support/counted-timers.ts'
import { LossyNetwork } from './lossy-network.ts'

/** A client on a machine of its own. */
export interface Member {
  readonly zk: ZooKeeper
  /** Address of its machine, for the faults of the stage. */
  readonly host: string
  readonly env: SimEnvironment
  readonly network: LossyNetwork
  readonly timers: CountedTimers
}

/** Connects in a process whose timers are counted and whose requests may be lost. */
export async function openMember(
  env: SimEnvironment,
  servers: string,
  options: ClientOptions,
): Promise<Member> {
  const timers = new CountedTimers(env.timers)
  const network = new LossyNetwork(env.network)
  const world = Object.assign(Object.create(env), { timers, network }) as SimEnvironment
  const zk = await connectIn(world, servers, options)
  return { zk, host: env.host, env, network, timers }
}
