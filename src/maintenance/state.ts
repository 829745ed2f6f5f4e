import { ReplicatedState } from '../server/index.ts'
import { type ChangeEvents, DataTree } from '../znodes/index.ts'

const NO_EVENTS: ChangeEvents = { created: () => {}, deleted: () => {}, dataChanged: () => {} }

/** A TTL must be known as one; what it does is decided when a server runs. */
export const TREE = { extendedTypesEnabled: true }

/** The state of a new server. */
export function newState(): ReplicatedState {
  const state = new ReplicatedState(new DataTree(NO_EVENTS, TREE))
  state.reset()
  return state
}
