import type { HistoryEvent } from '../../../src/sim/history.ts'
import { SimRandom } from '../../../src/sim/random.ts'
import { CreateMode } from '../../../src/wire/index.ts'
import type { ClientBuilder } from './client-builder.ts'
import { HistoryBuilder } from './history-builder.ts'

/** A healthy run of three voters and an observer with `operations` random requests and a new leader now and then. */
export function tellLongHistory(seed: number, operations: number): HistoryEvent[] {
  const random = new SimRandom(seed)
  const world = new HistoryBuilder([1, 2, 3], [4])
  world.elect(3, [1, 2])
  const clients = [1, 2, 3, 4, 5].map((id) => world.connect(id, (id % 3) + 1, 10_000_000))
  for (const client of clients) client.create(`/${client.client}`)
  world.joinBySnapshot(4)
  for (let i = 0; i < operations; i += 1) {
    ask(clients[random.below(clients.length)]!, random)
    if (random.oneIn(500)) {
      const leader = 1 + random.below(3)
      world.elect(
        leader,
        [1, 2, 3].filter((id) => id !== leader),
      )
      world.join(4)
    }
    if (random.oneIn(200)) world.snapshot(1 + random.below(4))
  }
  world.heal()
  world.end()
  return world.events
}

function ask(client: ClientBuilder, random: SimRandom): void {
  const path = `/${1 + random.below(5)}`
  switch (random.below(8)) {
    case 0:
      client.create(`/${client.client}/s-`, CreateMode.persistentSequential, 'x'.repeat(20))
      break
    case 1:
      client.create(`/${client.client}/e-`, CreateMode.ephemeralSequential)
      break
    case 2:
      client.refused()
      break
    case 3:
      client.getData(path, random.oneIn(2))
      break
    case 4:
      client.exists(path, random.oneIn(2))
      break
    case 5:
      if (random.oneIn(20))
        client.addWatch(path, random.oneIn(2) ? 'persistent' : 'persistentRecursive')
      else client.sync()
      break
    default:
      client.setData(path, 'y'.repeat(random.below(50)))
  }
}
