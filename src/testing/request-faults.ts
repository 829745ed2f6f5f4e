import { OpCode } from '../wire/index.ts'
import type { SeenRequest } from './stream-taps.ts'

/** A request, named like the client's method that sends it. `connect` is the handshake, `close` the end of a session. */
export type RequestName =
  | 'addAuth'
  | 'close'
  | 'connect'
  | 'create'
  | 'delete'
  | 'exists'
  | 'getAcl'
  | 'getAllChildrenNumber'
  | 'getChildren'
  | 'getData'
  | 'getEphemerals'
  | 'multiRead'
  | 'ping'
  | 'reconfig'
  | 'removeWatches'
  | 'setAcl'
  | 'setData'
  | 'setWatches'
  | 'sync'
  | 'transaction'
  | 'watch'
  | 'whoAmI'

const OPCODES: Readonly<Record<RequestName, readonly number[]>> = {
  connect: [OpCode.createSession],
  create: [OpCode.create, OpCode.create2, OpCode.createContainer, OpCode.createTTL],
  delete: [OpCode.delete],
  exists: [OpCode.exists],
  getData: [OpCode.getData],
  setData: [OpCode.setData],
  getAcl: [OpCode.getACL],
  setAcl: [OpCode.setACL],
  getChildren: [OpCode.getChildren, OpCode.getChildren2],
  getAllChildrenNumber: [OpCode.getAllChildrenNumber],
  getEphemerals: [OpCode.getEphemerals],
  sync: [OpCode.sync],
  transaction: [OpCode.multi],
  multiRead: [OpCode.multiRead],
  watch: [OpCode.addWatch],
  removeWatches: [OpCode.removeWatches, OpCode.checkWatches],
  setWatches: [OpCode.setWatches, OpCode.setWatches2],
  addAuth: [OpCode.auth],
  whoAmI: [OpCode.whoAmI],
  reconfig: [OpCode.reconfig],
  ping: [OpCode.ping],
  close: [OpCode.closeSession],
}

const NAMES = new Map<number, RequestName>(
  Object.entries(OPCODES).flatMap(([name, opcodes]) =>
    opcodes.map((opcode) => [opcode, name as RequestName] as const),
  ),
)

/** Which request is meant: the first that is all of what is given. */
export interface RequestMatch {
  readonly op?: RequestName
  /** As the server sees it, with the chroot. A transaction matches when one of its paths does. */
  readonly path?: string | RegExp
  /** Only requests of this session. */
  readonly sessionId?: bigint
  /** So many requests that match are let through before. */
  readonly skip?: number
}

/** The request that was hit. */
export interface StruckRequest {
  /** Null for a request that no client of this project sends. */
  readonly op: RequestName | null
  readonly opcode: number
  readonly paths: readonly string[]
  /** 0 for a handshake that asks for a new session. */
  readonly sessionId: bigint
  /** The server it went to, counted from 1. */
  readonly member: number
}

/** A request that is going to be lost. It happens once. */
export interface RequestFault {
  /** Resolves when it has happened. */
  readonly struck: Promise<StruckRequest>
  readonly hasStruck: boolean
  /** It will not happen any more. */
  cancel(): void
}

/** What happens to a request: `request` never reaches the server, `reply` never comes back. */
export type Lost = 'reply' | 'request'

class ArmedFault implements RequestFault {
  readonly lost: Lost
  readonly struck: Promise<StruckRequest>
  hasStruck = false
  readonly #faults: Set<ArmedFault>
  readonly #match: RequestMatch
  #skip: number
  #resolve: (request: StruckRequest) => void = () => {}

  constructor(faults: Set<ArmedFault>, lost: Lost, match: RequestMatch) {
    this.#faults = faults
    this.lost = lost
    this.#match = match
    this.#skip = match.skip ?? 0
    this.struck = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  cancel(): void {
    this.#faults.delete(this)
  }

  /** Whether this request is the one. */
  take(request: SeenRequest): boolean {
    const { op, path, sessionId } = this.#match
    if (op !== undefined && NAMES.get(request.opcode) !== op) return false
    if (sessionId !== undefined && request.sessionId !== sessionId) return false
    if (path !== undefined && !request.paths().some((name) => isMatch(path, name))) return false
    if (this.#skip > 0) {
      this.#skip -= 1
      return false
    }
    return true
  }

  strike(request: StruckRequest): void {
    this.hasStruck = true
    this.#resolve(request)
  }
}

/** A fault that has found its request. */
export interface FoundFault {
  readonly lost: Lost
  /** It has happened. */
  strike(): void
  /** It cannot happen to this request any more: the connection broke before. */
  missed(): void
}

/** The faults that wait for their requests, in the order they were armed. */
export class RequestFaults {
  readonly #armed = new Set<ArmedFault>()

  /** @throws RangeError for a name that no request has */
  arm(lost: Lost, match: RequestMatch): RequestFault {
    if (match.op !== undefined && !Object.hasOwn(OPCODES, match.op)) {
      const names = Object.keys(OPCODES).join(', ')
      throw new RangeError(`no request is called ${match.op}; there are ${names}`)
    }
    const fault = new ArmedFault(this.#armed, lost, match)
    this.#armed.add(fault)
    return fault
  }

  /** The fault that hits this request, which no other request can be hit by. */
  find(request: SeenRequest, member: number): FoundFault | null {
    for (const fault of this.#armed) {
      if (!fault.take(request)) continue
      this.#armed.delete(fault)
      const { opcode, sessionId } = request
      const op = NAMES.get(opcode) ?? null
      // Now: the bytes are gone when the reply comes.
      const struck = { op, opcode, paths: request.paths(), sessionId, member }
      return {
        lost: fault.lost,
        strike: () => fault.strike(struck),
        missed: () => {
          this.#armed.add(fault)
        },
      }
    }
    return null
  }
}

function isMatch(pattern: string | RegExp, path: string): boolean {
  return typeof pattern === 'string' ? pattern === path : path.search(pattern) !== -1
}
