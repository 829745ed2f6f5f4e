import type { ClientOptions } from '../../../src/client/index.ts'
import type { SimRandom } from '../../../src/sim/index.ts'
import type { Member } from './member.ts'

/** The world of a campaign: one server or three. */
export interface CampaignStage {
  readonly nowMs: number
  member(options?: ClientOptions): Promise<Member>
  /** Lets the world go on until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T>
  runFor(ms: number): Promise<void>
  /** So much time of the world; somebody else moves it on. */
  sleep(ms: number): Promise<void>
  within(ms: number, what: string, isDone: () => boolean): Promise<void>
  /** What servers send to the machine does not arrive any more, or does again. */
  deafen(isDeaf: boolean, host: string): void
  isolate(isCut: boolean, host: string): void
  breakConnections(host: string): void
  /** Something happens to a server, or between servers. */
  serverFault(random: SimRandom): Promise<void>
  /** Faults are over, and everybody is connected. */
  heal(): Promise<void>
  /** Shows that nothing is left. */
  finish(): Promise<void>
  abandon(): void
}
