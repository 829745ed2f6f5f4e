import { expect } from 'vitest'
import { PersistentNode } from '../../recipes/index.ts'
import { ZkError } from '../../src/client/index.ts'
import type { SimRandom } from '../../src/sim/index.ts'
import { type CampaignScene, ensembleCampaign, recipeCampaign } from './support/campaign.ts'
import type { CampaignStage } from './support/campaign-stage.ts'
import type { Member } from './support/member.ts'
import { persistently } from './support/server-tree.ts'

const FOLDER = '/d'

/** Everybody keeps znodes of its own, some want one and the same, and they are deleted by others. */
class NodeScene implements CampaignScene {
  readonly #stage: CampaignStage
  readonly #members: readonly Member[]
  readonly #nodes: { node: PersistentNode; member: Member; data: string; isShared: boolean }[] = []
  readonly #opening: Promise<void>[] = []
  #made = 0

  constructor(stage: CampaignStage, members: readonly Member[]) {
    this.#stage = stage
    this.#members = members
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const own = this.#nodes.filter((entry) => entry.member === member)
    const entry = own[random.below(own.length + 1)]
    if (this.#made < 6 && (entry === undefined || random.oneIn(4))) {
      this.#made += 1
      this.#opening.push(this.#open(member, random))
    } else if (entry !== undefined) await this.#use(entry, random)
  }

  async progress(): Promise<void> {
    await Promise.all(this.#opening)
    const endMs = this.#stage.nowMs + 60_000
    while (!this.#areThere(await this.#paths())) {
      if (this.#stage.nowMs > endMs) throw new Error(`there is ${await this.#paths()}`)
      await this.#stage.sleep(50)
    }
    for (const { node, data, isShared, member } of this.#nodes) {
      if (isShared && !node.isPresent) continue
      await node.setData(data)
      const found = await persistently(async () => member.zk.getData(await node.present()))
      if (!isShared) expect(new TextDecoder().decode(found.data)).toBe(data)
    }
  }

  async end(): Promise<void> {
    for (const { node } of this.#nodes) await node.close()
  }

  async #paths(): Promise<readonly string[]> {
    const { zk } = this.#members[0]!
    return await persistently(async () => {
      await zk.ensurePath(FOLDER, { mode: 'container' })
      await zk.sync(FOLDER)
      return (await zk.getChildren(FOLDER)).children.map((name) => `${FOLDER}/${name}`)
    })
  }

  /** One znode for each of those that do not share, one for all others. */
  #areThere(paths: readonly string[]): boolean {
    const own = this.#nodes.filter(({ isShared }) => !isShared)
    const hasShared = own.length < this.#nodes.length
    const expected = own.length + (hasShared ? 1 : 0)
    return paths.length === expected && own.every(({ node }) => paths.includes(node.path ?? ''))
  }

  async #open(member: Member, random: SimRandom): Promise<void> {
    const isShared = random.oneIn(3)
    const isProtected = !isShared && random.oneIn(2)
    const path = `${FOLDER}/${isShared ? 'shared' : this.#made}`
    const data = String(this.#made)
    const limit = isShared || random.oneIn(3) ? { timeoutMs: 1 + random.below(8000) } : {}
    try {
      const node = await PersistentNode.open(member.zk, path, data, { isProtected, ...limit })
      this.#nodes.push({ node, member, data, isShared })
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'TIMEOUT') throw error
    }
  }

  async #use(entry: { node: PersistentNode; data: string }, random: SimRandom): Promise<void> {
    const { node } = entry
    const zk = this.#members[random.below(this.#members.length)]!.zk
    try {
      if (random.oneIn(2)) {
        entry.data = String(random.below(1000))
        await node.setData(entry.data, { timeoutMs: 3000 })
      } else if (node.path !== null) await zk.delete(node.path)
    } catch (error) {
      if (!(error instanceof ZkError)) throw error
    }
  }
}

const campaign = {
  members: 3,
  makeScene: (stage: CampaignStage, members: readonly Member[]) => new NodeScene(stage, members),
}

recipeCampaign('persistent nodes are there, once', campaign, [20053, 20405])
ensembleCampaign('an ensemble: persistent nodes are there, once', campaign, [20022])
