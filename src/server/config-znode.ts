import { NO_ZXID, type Zxid } from '../base/index.ts'
import type { ByteString } from '../wire/index.ts'
import { type DataTree, Znode } from '../znodes/index.ts'

export const CONFIG_PATH = '/zookeeper/config'

/** What a set without a transaction leaves behind. */
const VERSION = -1

/**
 * What a member of an ensemble shows at `/zookeeper/config`: who belongs to the ensemble. Each server knows that from its
 * own configuration, so it is in no transaction, and not in the tree either, which is the same on all servers and on disk.
 */
export class ConfigZnode {
  #text: ByteString | null = null
  #since = 0
  /** A znode with another one was set by a client since then, and shows what that wrote. */
  #storedMzxid: Zxid = NO_ZXID

  /**
   * Shows `text` in place of what `tree` has now, as set at `nowMs` by no transaction: what a server of Apache writes into
   * its tree when it begins to lead or follow (`ZKDatabase.initConfigInZKDatabase`).
   */
  show(text: ByteString, tree: DataTree, nowMs: number): void {
    this.#text = text
    this.#since = nowMs
    this.#storedMzxid = tree.find(CONFIG_PATH)?.mzxid ?? NO_ZXID
  }

  /** `stored` as clients see it. */
  of(stored: Znode): Znode {
    if (this.#text === null || stored.mzxid !== this.#storedMzxid) return stored
    const shown = new Znode(stored, stored.acl, stored.ownerKind)
    shown.data = this.#text
    shown.version = VERSION
    shown.mzxid = NO_ZXID
    shown.mtime = this.#since
    shown.firstChild = stored.firstChild
    shown.numChildren = stored.numChildren
    return shown
  }
}
