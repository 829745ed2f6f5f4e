import type { Loss } from './lossy-network.ts'
import { type Member, RecipeStage } from './recipe-stage.ts'

export interface LossScene {
  /** How many members it has; the requests of each are lost in turn. */
  readonly members: number
  /** The same every time but for what is lost. Throws when something is wrong. */
  play(stage: RecipeStage, members: readonly Member[]): Promise<void>
}

/**
 * Plays a scene again and again: each time another request of one member is lost, before the server has it or after it
 * was carried out, until every request was. Nothing may be left each time. Returns how often it was played.
 */
export async function everyLoss(scene: LossScene): Promise<number> {
  let plays = 0
  for (let victim = 0; victim < scene.members; victim++) {
    for (const loss of ['before', 'after'] as const) {
      for (let request = 0; await playOnce(scene, victim, request, loss); request++) plays += 1
    }
  }
  return plays
}

/** False when the victim makes no such request. */
async function playOnce(
  scene: LossScene,
  victim: number,
  request: number,
  loss: Loss,
): Promise<boolean> {
  const stage = new RecipeStage()
  const members: Member[] = []
  for (let index = 0; index < scene.members; index++) members.push(await stage.member())
  const { network } = members[victim]!
  const first = network.requests
  network.plan = (number) => (number === first + request ? loss : null)
  try {
    await scene.play(stage, members)
    await stage.finish()
  } catch (error) {
    const message = `request ${request} of member ${victim} lost ${loss} it was applied`
    throw new Error(message, { cause: error })
  } finally {
    stage.abandon()
  }
  return network.requests > first + request
}
