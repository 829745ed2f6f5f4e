import type { FaultScript } from './fault-profile.ts'
import { applyFault, type FaultAction, type FaultKind, healWorld } from './faults.ts'
import type { SimWorld } from './world.ts'

/** Lets a script happen to a world and counts what it hit. */
export class FaultInjector {
  readonly #world: SimWorld
  readonly #onFault: (action: FaultAction, isHit: boolean) => void
  readonly #hits = new Map<FaultKind, number>()
  #isOver = false

  constructor(world: SimWorld, onFault: (action: FaultAction, isHit: boolean) => void = () => {}) {
    this.#world = world
    this.#onFault = onFault
  }

  /** How often each kind made a difference. */
  get hits(): ReadonlyMap<FaultKind, number> {
    return this.#hits
  }

  /** Applies an action now; false when it made no difference. */
  apply(action: FaultAction): boolean {
    const isHit = applyFault(this.#world, action)
    if (isHit) this.#hits.set(action.kind, (this.#hits.get(action.kind) ?? 0) + 1)
    this.#onFault(action, isHit)
    return isHit
  }

  /** Applies a script as its times come, until {@link heal}. */
  schedule(script: FaultScript): void {
    for (const { atMs, action } of script) {
      this.#world.events.schedule(atMs, () => {
        if (!this.#isOver) this.apply(action)
      })
    }
  }

  /** Ends all faults, those to come too, and starts all processes that died. */
  heal(): void {
    this.#isOver = true
    healWorld(this.#world)
  }
}
