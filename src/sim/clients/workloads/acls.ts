import {
  type AclEntry,
  type ByteString,
  CreateMode,
  ErrorCode,
  OpCode,
  Perms,
} from '../../../wire/index.ts'
import type { Call } from '../call.ts'
import { below, oneIn } from '../draw.ts'
import type { Answer } from '../operation.ts'
import { ACL_ROOT } from '../roots.ts'
import { Workload } from '../workload.ts'

const OWN = 1
const FOREIGN = 2
const CLIENT_NUMBERS = 8
/** Whoever is authenticated, in the eyes of the server that creates it: becomes the client's digest id. */
const CREATOR_ONLY: readonly AclEntry[] = [{ perms: Perms.all, scheme: 'auth', id: '' }]
const READABLE: readonly AclEntry[] = [
  ...CREATOR_ONLY,
  { perms: Perms.read, scheme: 'world', id: 'anyone' },
]

/**
 * A secret of each client that nobody else can read or write, and a znode whose ACL it changes all the time.
 * Identities belong to a connection: each new one has to authenticate before the first request.
 */
export class Acls extends Workload {
  readonly name = 'acls'
  #aversion = -1

  act(): void {
    const { random } = this
    const secret = `${ACL_ROOT}/secret-${this.client.number}`
    const open = `${ACL_ROOT}/open-${this.client.number}`
    const foreign = `${ACL_ROOT}/secret-${1 + below(random, CLIENT_NUMBERS)}`
    const tag = foreign === secret ? OWN : FOREIGN
    switch (below(random, 8)) {
      case 0:
        this.#create(secret)
        return
      case 1:
        this.#create(open)
        return
      case 2: {
        const acl = oneIn(random, 2) ? CREATOR_ONLY : READABLE
        const version = oneIn(random, 2) ? this.#aversion : -1
        this.send({ type: OpCode.setACL, path: open, acl, version }, OWN)
        return
      }
      case 3:
        this.send({ type: OpCode.getACL, path: open }, OWN)
        return
      case 4:
        this.send({ type: OpCode.getData, path: secret, watch: false }, OWN)
        return
      case 5:
        this.send(
          { type: OpCode.setData, path: foreign, data: 'x' as ByteString, version: -1 },
          tag,
        )
        return
      case 6:
        this.send({ type: OpCode.multiRead, ops: [{ type: OpCode.getData, path: foreign }] }, tag)
        return
      default:
        this.send({ type: OpCode.getData, path: foreign, watch: false }, tag)
    }
  }

  protected onAnswer(call: Call, answer: Answer): void {
    const { operation, tag } = call
    const { badVersion, noAuth, nodeExists, noNode } = ErrorCode
    if (tag === FOREIGN) {
      const { reads } = answer
      const isRefused = !this.isOk(call, answer, noAuth, noNode)
      const isHidden = reads !== undefined && reads[0]?.type === OpCode.error
      this.check(isRefused || isHidden, 'W5: the secret of another client was read or written')
      return
    }
    const expected = operation.type === OpCode.create ? nodeExists : badVersion
    if (!this.isOk(call, answer, noNode, expected)) return
    if (operation.type === OpCode.setACL) {
      const { aversion } = answer.stat!
      const isNext = operation.version === -1 || aversion === operation.version + 1
      this.check(isNext, `C9: aversion ${operation.version} became ${aversion}`)
      this.#aversion = aversion
    } else if (operation.type === OpCode.getACL) {
      this.#aversion = answer.stat!.aversion
      const ids = answer.acl!.map(({ scheme }) => scheme)
      this.check(ids.includes('digest'), `the ACL has no digest id: ${ids}`)
    }
  }

  #create(path: string): void {
    this.send({
      type: OpCode.create,
      path,
      data: '' as ByteString,
      acl: CREATOR_ONLY,
      flags: CreateMode.persistent,
      ttl: -1n,
    })
  }
}
