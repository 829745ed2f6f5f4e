import type { Grant, WaitOptions } from '../../../recipes/index.ts'
import { RecipeError } from '../../../recipes/index.ts'
import { ZkError } from '../../../src/client/index.ts'
import type { SimRandom } from '../../../src/sim/index.ts'
import type { Campaign, CampaignScene } from './campaign.ts'
import type { CampaignStage } from './campaign-stage.ts'
import { Ledger } from './ledger.ts'
import type { Member } from './member.ts'

/** One way to take a lock. */
export interface LockWay {
  readonly kind: 'exclusive' | 'shared'
  /** How much of what is shared is granted at once; 1 unless given. */
  readonly count?: number
  acquire(options: WaitOptions): Promise<Grant>
  tryAcquire?(options: WaitOptions): Promise<Grant | null>
}

const HOLD_MS_MAX = 1500

/** A campaign whose members take locks, hold them for a while, give up, or forget to release what they lost. */
export function lockCampaign(options: {
  readonly members: number
  /** How many may hold at a time what is shared. */
  readonly limit?: number
  ways(member: Member): readonly LockWay[]
}): Campaign<CampaignStage> {
  return {
    members: options.members,
    makeScene: (stage, members) => {
      const ways = new Map(members.map((member) => [member, options.ways(member)] as const))
      return new LockScene(stage, ways, new Ledger(options.limit))
    },
  }
}

class LockScene implements CampaignScene {
  readonly #stage: CampaignStage
  readonly #ways: ReadonlyMap<Member, readonly LockWay[]>
  readonly #ledger: Ledger

  constructor(stage: CampaignStage, ways: ReadonlyMap<Member, readonly LockWay[]>, ledger: Ledger) {
    this.#stage = stage
    this.#ways = ways
    this.#ledger = ledger
  }

  async act(member: Member, random: SimRandom): Promise<void> {
    const ways = this.#ways.get(member)!
    const way = ways[random.below(ways.length)]!
    const holdMs = random.below(HOLD_MS_MAX)
    const isForgotten = random.oneIn(8)
    const abort = new AbortController()
    const options: WaitOptions = {
      ...(random.oneIn(2) ? { timeoutMs: 1 + random.below(20_000) } : {}),
      ...(random.oneIn(2) ? { signal: abort.signal } : {}),
    }
    void this.#stage.sleep(random.below(3000)).then(() => abort.abort())
    const isTry = way.tryAcquire !== undefined && random.oneIn(3)
    const grant = await allowed(isTry ? way.tryAcquire!(options) : way.acquire(options))
    if (grant === null) return
    this.#ledger.granted(member.host, way.kind, grant, way.count)
    await this.#stage.sleep(holdMs)
    // Who was told that it is lost may forget about it; who was only asked or warned may not.
    if (isForgotten && isGone(grant)) return
    await grant.release()
  }

  async progress(): Promise<void> {
    await Promise.all(
      [...this.#ways].flatMap(([member, ways]) =>
        ways.map(async (way) => {
          const grant = await way.acquire({})
          this.#ledger.granted(member.host, way.kind, grant, way.count)
          await this.#stage.sleep(10)
          await grant.release()
        }),
      ),
    )
  }

  async end(): Promise<void> {
    if (this.#ledger.holders > 0) await this.#stage.sleep(HOLD_MS_MAX)
  }
}

function isGone({ signal }: Grant): boolean {
  const { code } = (signal.reason ?? {}) as { readonly code?: string }
  return code === 'SESSION_LOST' || code === 'GRANT_LOST'
}

/** What an acquisition may fail with under faults; null then. */
async function allowed(acquiring: Promise<Grant | null>): Promise<Grant | null> {
  try {
    return await acquiring
  } catch (error) {
    const codes = ['ABORTED', 'TIMEOUT', 'SESSION_LOST', 'GRANT_LOST', 'SUSPENDED']
    const isKnown = error instanceof ZkError || error instanceof RecipeError
    if (isKnown && codes.includes(error.code)) return null
    throw error
  }
}
