import { type ChangeEvents, DataTree } from '../../src/znodes/index.ts'

export const NO_EVENTS: ChangeEvents = {
  created: () => {},
  deleted: () => {},
  dataChanged: () => {},
}

export function newTree(): DataTree {
  return new DataTree(NO_EVENTS, { extendedTypesEnabled: true })
}
