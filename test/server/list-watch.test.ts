import { expect, test } from 'vitest'
import type { ServerId } from '../../src/base/index.ts'
import type { LogFields } from '../../src/env/index.ts'
import { ListWatch } from '../../src/server/list-watch.ts'

const ONE = 'server.1=a:2888:3888:participant;0.0.0.0:2181'
const TWO = 'server.2=b:2888:3888:participant;0.0.0.0:2181'
const THREE = 'server.3=c:2888:3888:participant;0.0.0.0:2181'
const OWN = [ONE, TWO, THREE, 'version=0'].join('\n')

function watching(own: string = OWN): {
  readonly told: string[]
  readonly hear: (from: number, ...lines: readonly string[]) => void
} {
  const told: string[] = []
  const warn = (_message: string, fields?: LogFields): void => {
    const { sid, difference } = fields as { sid: number; difference: string }
    told.push(`${sid}: ${difference}`)
  }
  const none = (): void => {}
  const watch = new ListWatch(own, { debug: none, info: none, warn, error: none })
  const hear = (from: number, ...lines: readonly string[]): void => {
    watch.onNotification(from as ServerId, lines.join('\n'))
  }
  return { told, hear }
}

test('the same servers under other names, at other ports, in another order are the same list', () => {
  const { told, hear } = watching()
  hear(2, ONE, TWO, THREE, 'version=0')
  hear(2, ONE, 'server.2=10.0.0.2:1:2:participant', THREE, 'version=100000000')
  hear(3, THREE, ' ', 'server.2=x:1:2|y:1:2:participant', 'server.1=a:1:2:participant;b:3')
  hear(1, '')
  expect(told).toEqual([])
})

test('each other list is told once, with what is different', () => {
  const { told, hear } = watching()
  for (let times = 0; times < 3; times += 1) {
    hear(1, ONE, TWO, 'version=0')
    hear(2, ONE, TWO, THREE, 'server.4=d:2888:3888:participant', 'version=0')
    hear(3, ONE, TWO, THREE.replace('participant', 'observer'), 'version=0')
    hear(4, ONE, 'version=0')
  }
  hear(1, ONE, THREE, 'group.1=1:3', 'version=0')
  expect(told).toEqual([
    '1: server.3 is missing there',
    '2: server.4 is missing here',
    '3: server.3 is observer there and participant here',
    '1: server.2 is missing there, groups and weights are group.1=1:3 there and none here',
  ])
})

test('groups and weights are part of it', () => {
  const { told, hear } = watching(`${ONE}\n${TWO}\ngroup.1=1:2\nweight.1=1\nweight.2=1\nversion=0`)
  hear(2, ONE, TWO, 'weight.2=1', 'group.1=1:2', 'weight.1=1', 'version=0')
  hear(2, ONE, TWO, 'group.1=1:2', 'weight.1=1', 'weight.2=3', 'version=0')
  expect(told).toEqual([
    '2: groups and weights are group.1=1:2 weight.1=1 weight.2=3 there and group.1=1:2 weight.1=1 weight.2=1 here',
  ])
})

test('the log cannot be filled by lists', () => {
  const { told, hear } = watching()
  for (let id = 4; id < 10_000; id += 1) hear(2, OWN, `server.${id}=x:1:2:participant`)
  hear(1, ...Array.from({ length: 10_000 }, (_, id) => `server.${id}=x:1:2:participant`))
  expect(told).toHaveLength(100)
  for (const line of told) expect(line.length).toBeLessThan(400)
})
