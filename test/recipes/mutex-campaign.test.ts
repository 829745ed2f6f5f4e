import { Mutex } from '../../recipes/index.ts'
import { recipeCampaign } from './support/campaign.ts'
import { lockCampaign } from './support/lock-scene.ts'

const campaign = lockCampaign({
  members: 3,
  ways: ({ zk }) => {
    const mutex = new Mutex(zk, '/locks/x')
    return [
      {
        kind: 'exclusive',
        acquire: (options) => mutex.acquire(options),
        tryAcquire: (options) => mutex.tryAcquire(options),
      },
    ]
  },
})

recipeCampaign('at most one holder of a mutex, whatever happens', campaign)
