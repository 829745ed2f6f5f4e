import { AddWatchMode, ErrorCode, OpCode, WatcherType } from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, oneIn, pick } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { GROWTH_ROOT, QUEUE_ROOT, REGISTER_PATHS, TREE_ROOT } from '../roots.ts'
import type { WatchBook } from '../watch-book.ts'
import { Workload } from '../workload.ts'

const PATHS = [
  ...REGISTER_PATHS,
  TREE_ROOT,
  `${TREE_ROOT}/a`,
  `${TREE_ROOT}/b`,
  `${TREE_ROOT}/a/b`,
  GROWTH_ROOT,
  QUEUE_ROOT,
]
const TYPES: readonly WatcherType[] = [
  WatcherType.any,
  WatcherType.children,
  WatcherType.data,
  WatcherType.persistent,
  WatcherType.persistentRecursive,
]

/** Watches of all kinds on what others change. The server's table and the client's book say the same at every reply. */
export class Watching extends Workload {
  readonly name = 'watching'

  act(): void {
    const { random } = this
    const path = pick(random, PATHS)
    switch (below(random, 9)) {
      case 0:
      case 1:
        this.send({ type: OpCode.getData, path, watch: true })
        return
      case 2:
        this.send({ type: OpCode.exists, path, watch: true })
        return
      case 3:
      case 4:
        this.send({ type: OpCode.getChildren2, path, watch: true })
        return
      case 5: {
        const isRecursive = oneIn(random, 2)
        const mode = isRecursive ? AddWatchMode.persistentRecursive : AddWatchMode.persistent
        this.send({ type: OpCode.addWatch, path, mode })
        return
      }
      case 6:
        this.send({ type: OpCode.removeWatches, path, watcherType: pick(random, TYPES) })
        return
      default:
        this.send({ type: OpCode.checkWatches, path, watcherType: pick(random, TYPES) })
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation } = call
    const { noNode, noWatcher } = ErrorCode
    if (operation.type === OpCode.checkWatches || operation.type === OpCode.removeWatches) {
      const isFound = this.isOk(call, answer, noWatcher)
      if (!isFound && answer.err !== noWatcher) return
      const isKnown = isInBook(this.client.watches, operation.path, operation.watcherType)
      // A removed one has left the book already.
      const isSame = isFound === isKnown || (isFound && operation.type === OpCode.removeWatches)
      const asked = `type ${operation.watcherType} of ${operation.path}`
      this.check(isSame, `W6: watch ${asked}: server ${isFound}, client ${isKnown}`)
    } else this.isOk(call, answer, noNode)
  }
}

function isInBook(book: WatchBook, path: string, watcherType: number): boolean {
  switch (watcherType) {
    case WatcherType.children:
      return book.child.has(path)
    case WatcherType.data:
      return book.data.has(path) || book.exist.has(path)
    case WatcherType.persistent:
      return book.persistent.has(path)
    case WatcherType.persistentRecursive:
      return book.persistentRecursive.has(path)
    default:
      return TYPES.some((type) => type !== WatcherType.any && isInBook(book, path, type))
  }
}
