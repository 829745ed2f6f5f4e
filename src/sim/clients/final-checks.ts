import { NO_SESSION } from '../../base/index.ts'
import type { FinalZnode } from './final-reader.ts'
import { ACCOUNT_PATHS, ACCOUNT_START, BOX_ROOT, COUNTER_PATHS, QUEUE_ROOT } from './roots.ts'
import type { SharedKnowledge } from './shared-knowledge.ts'

type FinalTree = ReadonlyMap<string, FinalZnode>

/** What must hold once everything is at rest; `fail` gets a sentence for each thing that does not. */
export function checkFinalState(
  trees: readonly FinalTree[],
  shared: SharedKnowledge,
  fail: (rule: string) => void,
): void {
  if (!shared.isSetUp) return
  for (const tree of trees) {
    checkValues(tree, shared, fail)
    checkCounters(tree, shared, fail)
    checkAccounts(tree, fail)
    checkQueue(tree, shared, fail)
  }
  for (const tree of trees.slice(1)) compare(trees[0]!, tree, fail)
}

function checkValues(tree: FinalTree, shared: SharedKnowledge, fail: (rule: string) => void): void {
  for (const [path, { data, stat }] of tree) {
    if (stat === null) continue
    const contradiction = shared.contradicts(path, stat, data)
    if (contradiction !== null) fail(contradiction)
    const returned = shared.returned.get(path)
    if (returned !== undefined && stat.mzxid < returned) fail(`C7: a write of ${path} is lost`)
  }
}

/** Each increment that was answered counts once, each without a reply at most once. */
function checkCounters(
  tree: FinalTree,
  shared: SharedKnowledge,
  fail: (rule: string) => void,
): void {
  for (const path of COUNTER_PATHS) {
    const value = Number(tree.get(path)?.data ?? Number.NaN)
    const { lost, ok } = shared.counter(path)
    if (!(value >= ok && value <= ok + lost)) {
      fail(`C8: ${path} is ${value} after ${ok} increments and ${lost} without a reply`)
    }
  }
}

function checkAccounts(tree: FinalTree, fail: (rule: string) => void): void {
  const values = ACCOUNT_PATHS.map((path) => Number(tree.get(path)?.data ?? Number.NaN))
  const sum = values.reduce((total, value) => total + value, 0)
  if (sum !== ACCOUNT_PATHS.length * ACCOUNT_START) fail(`D5: the accounts hold ${values}`)
}

function checkQueue(tree: FinalTree, shared: SharedKnowledge, fail: (rule: string) => void): void {
  for (const path of shared.queued) {
    const isThere = tree.has(path)
    if (!isThere && !shared.taken.has(path) && !shared.maybeTaken.has(path)) {
      fail(`C7: ${path} was queued, nobody took it, it is gone`)
    }
    if (isThere && shared.taken.has(path)) fail(`C7: ${path} was taken and is there again`)
  }
  const items = [...tree.keys()].filter((path) => path.startsWith(`${QUEUE_ROOT}/`))
  const numbers = new Set(items.map((path) => path.slice(-10)))
  if (numbers.size !== items.length) fail(`C10: a number was used twice under ${QUEUE_ROOT}`)
}

/** What does not go by itself is the same for all who have synced. */
function compare(a: FinalTree, b: FinalTree, fail: (rule: string) => void): void {
  for (const [path, { data, stat }] of a) {
    if (path.startsWith(BOX_ROOT) || stat === null || stat.ephemeralOwner !== NO_SESSION) continue
    const other = b.get(path)
    if (other === undefined) fail(`A4: ${path} is there for one client and not for another`)
    else if (other.stat !== null && (other.stat.mzxid !== stat.mzxid || other.data !== data)) {
      fail(`A4: ${path} differs between clients`)
    }
  }
}
