import type { OpenSimDisk } from '../../src/sim/index.ts'
import { createSimEnvironment } from '../../src/sim/index.ts'
import { networkContract } from '../contract/network.ts'
import type { Stage } from '../contract/stage.ts'
import { simStage } from '../contract/stage.ts'
import { timersContract } from '../contract/timers.ts'

/** Neither clock nor network touches the disk. */
const noDisk: OpenSimDisk = () => {
  const refuse = (): never => {
    throw new Error('this world has no disk')
  }
  return {
    logFile: { openFolder: refuse, entries: refuse },
    rows: { open: refuse, destroy: refuse },
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  const openStage = (): Stage => {
    const { world, env } = createSimEnvironment(seed, noDisk)
    return simStage(world, env, env.host)
  }
  timersContract(`simulator, seed=${seed}`, openStage)
  networkContract(`simulator, seed=${seed}`, openStage)
}
