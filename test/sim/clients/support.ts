import type { ServerId } from '../../../src/base/index.ts'
import {
  ClientPool,
  type ClientPoolOptions,
  type ServerTarget,
} from '../../../src/sim/clients/index.ts'
import { SimRandom } from '../../../src/sim/index.ts'
import { Recorder } from '../../../src/sim/recorder.ts'
import { SERVER_HOST, Stage, type StageOptions } from '../../server/support/index.ts'

export const SERVER: ServerTarget = { server: 1 as ServerId, host: SERVER_HOST, port: 2181 }

/** A server that serves, clients that use it, and what they recorded. */
export class Play {
  readonly stage: Stage
  readonly recorder: Recorder = new Recorder()
  readonly pool: ClientPool

  constructor(seed: number, options: Partial<ClientPoolOptions> = {}, stage: StageOptions = {}) {
    this.stage = Stage.open({
      seed,
      ...stage,
      config: { extendedTypes: true, ...stage.config },
    })
    const { world } = this.stage
    this.pool = new ClientPool({
      random: new SimRandom(seed),
      world,
      servers: [SERVER],
      history: this.recorder,
      clients: 4,
      opsTarget: 1000,
      durationMs: 60_000,
      timeoutMsMin: 2000,
      timeoutMsMax: 8000,
      ...options,
    })
  }

  /** Issues everything, `meanwhile` being called every `everyMs`; then all is read and compared. */
  run(meanwhile: () => void = () => {}, everyMs = 5000): this {
    const { pool, stage } = this
    pool.start()
    while (pool.isIssuing) {
      stage.runFor(everyMs)
      if (pool.isIssuing) meanwhile()
    }
    pool.stopIssuing()
    stage.until(() => pool.isQuiet)
    pool.beginFinal()
    stage.until(() => pool.isFinished)
    pool.checkFinal()
    return this
  }
}
