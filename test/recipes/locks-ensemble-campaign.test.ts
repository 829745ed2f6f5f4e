import { Mutex, ReadWriteLock, Semaphore } from '../../recipes/index.ts'
import { ensembleCampaign } from './support/campaign.ts'
import { lockCampaign } from './support/lock-scene.ts'

const PATH = '/locks/x'

const mutexes = lockCampaign({
  members: 3,
  ways: ({ zk }) => {
    const [mutex, strict] = [new Mutex(zk, PATH), new Mutex(zk, PATH, { isStrict: true })]
    return [
      {
        kind: 'exclusive',
        acquire: (o) => mutex.acquire(o),
        tryAcquire: (o) => mutex.tryAcquire(o),
      },
      { kind: 'exclusive', acquire: (options) => strict.acquire(options) },
    ]
  },
})
ensembleCampaign('an ensemble: mutexes have one holder', mutexes)

const readersAndWriters = lockCampaign({
  members: 3,
  ways: ({ zk }) => {
    const { read, write } = new ReadWriteLock(zk, PATH, { layout: 'kazoo' })
    return [
      { kind: 'exclusive', acquire: (options) => write.acquire(options) },
      { kind: 'shared', acquire: (options) => read.acquire(options) },
    ]
  },
})
ensembleCampaign('an ensemble: a writer is alone', readersAndWriters)

const semaphores = lockCampaign({
  members: 3,
  limit: 2,
  ways: ({ zk }) => {
    const semaphore = new Semaphore(zk, PATH, 2)
    return [{ kind: 'shared', acquire: (options) => semaphore.acquire(options) }]
  },
})
ensembleCampaign('an ensemble: no more holders than permits', semaphores)
