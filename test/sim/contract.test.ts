import { createSimEnvironment, SimDisk } from '../../src/sim/index.ts'
import { logFileContract } from '../contract/log-file.ts'
import { networkContract } from '../contract/network.ts'
import { rowsContract } from '../contract/rows.ts'
import type { OpenStage } from '../contract/stage.ts'
import { simStage } from '../contract/stage.ts'
import { timersContract } from '../contract/timers.ts'

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  const openStage: OpenStage = () => {
    const disk = new SimDisk({ latencyMsMin: 0, latencyMsMax: 3 })
    const { world, env } = createSimEnvironment(seed, disk.open)
    return simStage(world, env, env.host)
  }
  timersContract(`simulator, seed=${seed}`, openStage)
  networkContract(`simulator, seed=${seed}`, openStage)
  logFileContract(`simulator, seed=${seed}`, openStage)
  rowsContract(`simulator, seed=${seed}`, openStage)
}
