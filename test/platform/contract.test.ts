import { logFileContract } from '../contract/log-file.ts'
import { networkContract } from '../contract/network.ts'
import { rowsContract } from '../contract/rows.ts'
import { openRealStage } from '../contract/stage.ts'
import { timersContract } from '../contract/timers.ts'

timersContract('platform', openRealStage)
networkContract('platform', openRealStage)
logFileContract('platform', openRealStage)
rowsContract('platform', openRealStage)
