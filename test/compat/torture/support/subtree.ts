import {
  CreateFlag,
  createBody,
  type MultiOp,
  multiBody,
  multiSucceeded,
  Op,
  pathVersionBody,
  readBody,
  readData,
  readNames,
  readStat,
  setBody,
  type WireClient,
} from '../../../../bench/client/index.ts'
import type { Dice } from './campaign.ts'

interface Child {
  readonly data: string
  readonly version: number
  /** Null where no reply told it. */
  readonly mzxid: bigint | null
}

/** What a subtree `/name` with one level of children contains. */
export class SubtreeState {
  readonly children: Map<string, Child>
  /** Creates and deletes of children so far: the parent's cversion on the wire. */
  changes: number

  constructor(children: ReadonlyMap<string, Child> = new Map(), changes: number = 0) {
    this.children = new Map(children)
    this.changes = changes
  }

  copy(): SubtreeState {
    return new SubtreeState(this.children, this.changes)
  }

  /** The first difference to what a server holds, or null. */
  difference(held: SubtreeState): string | null {
    if (held.changes !== this.changes) return `cversion ${held.changes}, not ${this.changes}`
    for (const [name, child] of this.children) {
      const other = held.children.get(name)
      if (other === undefined) return `${name} is missing`
      if (other.version !== child.version) {
        return `${name} has version ${other.version}, not ${child.version}`
      }
      if (other.data !== child.data) return `${name} has other data`
      if (child.mzxid !== null && other.mzxid !== child.mzxid) {
        return `${name} has mzxid ${other.mzxid}, not ${child.mzxid}`
      }
    }
    for (const name of held.children.keys()) {
      if (!this.children.has(name)) return `${name} is there`
    }
    return null
  }
}

type Change =
  | { readonly kind: 'create'; readonly name: string; readonly data: string }
  | { readonly kind: 'set'; readonly name: string; readonly data: string }
  | { readonly kind: 'delete'; readonly name: string }

/** One request: all of its changes happen, or none. */
export interface Step {
  readonly op: number
  readonly body: Buffer
  readonly changes: readonly Change[]
  /** `err` of the reply; a refused multi has 0 there. */
  readonly err: number
  readonly refused: boolean
}

export function applyStep(state: SubtreeState, step: Step, zxid: bigint | null): void {
  for (const change of step.changes) {
    const before = state.children.get(change.name)
    if (change.kind === 'delete') {
      state.children.delete(change.name)
      state.changes++
    } else {
      const version = change.kind === 'create' ? 0 : (before?.version ?? 0) + 1
      state.children.set(change.name, { data: change.data, version, mzxid: zxid })
      if (change.kind === 'create') state.changes++
    }
  }
}

/** True when the reply is the one that the step must get. */
export function isRightReply(step: Step, err: number, body: Buffer): boolean {
  if (err !== step.err) return false
  return step.op !== Op.multi || multiSucceeded(body) !== step.refused
}

/** Makes random steps that are right for a state; the subtree must have one writer only. */
export class StepMaker {
  readonly #path: string
  readonly #dice: Dice
  #next = 0

  constructor(path: string, dice: Dice) {
    this.#path = path
    this.#dice = dice
  }

  next(state: SubtreeState): Step {
    const kind = this.#dice.below(100)
    if (kind < 12) return this.#refusedMulti(state)
    if (kind < 17) return this.#refusedSet(state)
    if (kind < 45) return this.#multi(state)
    return this.#single(this.#change(state))
  }

  ephemeral(name: string): Step {
    return {
      op: Op.create,
      body: createBody(`${this.#path}/${name}`, 'e', CreateFlag.ephemeral),
      changes: [{ kind: 'create', name, data: 'e' }],
      err: 0,
      refused: false,
    }
  }

  closing(ephemeral: string): Step {
    return {
      op: Op.closeSession,
      body: Buffer.alloc(0),
      changes: [{ kind: 'delete', name: ephemeral }],
      err: 0,
      refused: false,
    }
  }

  #change(state: SubtreeState): Change {
    const names = [...state.children.keys()].filter((name) => name.startsWith('n'))
    const kind = this.#dice.below(3)
    if (names.length < 20 || (kind === 0 && names.length < 120)) {
      return {
        kind: 'create',
        name: `n${this.#next++}-${this.#dice.below(1e6)}`,
        data: this.#data(),
      }
    }
    const name = this.#dice.pick(names)
    return kind === 1 ? { kind: 'delete', name } : { kind: 'set', name, data: this.#data() }
  }

  #data(): string {
    const size = this.#dice.chance(2) ? this.#dice.below(40_000) : this.#dice.below(200)
    const digit = String(this.#dice.below(10))
    return `${this.#next}:${digit.repeat(size)}`
  }

  #single(change: Change): Step {
    const { op, body } = this.#encode(change)
    return { op, body, changes: [change], err: 0, refused: false }
  }

  #multi(state: SubtreeState): Step {
    const changes: Change[] = []
    const after = state.copy()
    for (let count = 2 + this.#dice.below(4); count > 0; count--) {
      const change = this.#change(after)
      changes.push(change)
      applyStep(after, { changes: [change] } as unknown as Step, null)
    }
    const ops = changes.map((change) => this.#encode(change))
    return { op: Op.multi, body: multiBody(ops), changes, err: 0, refused: false }
  }

  /** Its last part fails, so nothing of it may happen. */
  #refusedMulti(state: SubtreeState): Step {
    const ops = this.#multi(state).changes.map((change) => this.#encode(change))
    ops.push({ op: Op.check, body: pathVersionBody(`${this.#path}/none`, 0) })
    return { op: Op.multi, body: multiBody(ops), changes: [], err: 0, refused: true }
  }

  #refusedSet(state: SubtreeState): Step {
    const name = this.#dice.pick([...state.children.keys(), 'none'])
    const wrong = (state.children.get(name)?.version ?? 0) + 1
    const err = state.children.has(name) ? -103 : -101
    const body = setBody(`${this.#path}/${name}`, 'never', wrong)
    return { op: Op.setData, body, changes: [], err, refused: true }
  }

  #encode(change: Change): MultiOp {
    const path = `${this.#path}/${change.name}`
    switch (change.kind) {
      case 'create':
        return { op: Op.create, body: createBody(path, change.data, CreateFlag.persistent) }
      case 'set':
        return { op: Op.setData, body: setBody(path, change.data, -1) }
      case 'delete':
        return { op: Op.delete, body: pathVersionBody(path, -1) }
    }
  }
}

/** Reads what the server holds. */
export async function readSubtree(client: WireClient, path: string): Promise<SubtreeState> {
  const [exists, children] = await Promise.all([
    client.request(Op.exists, readBody(path, false)),
    client.request(Op.getChildren, readBody(path, false)),
  ])
  if (exists.err !== 0 || children.err !== 0) throw new Error(`${path} cannot be read`)
  const state = new SubtreeState(new Map(), readStat(exists.body, 0).cversion)
  const names = readNames(children.body)
  const replies = await Promise.all(
    names.map(async (name) => await client.request(Op.getData, readBody(`${path}/${name}`, false))),
  )
  for (const [index, { err, body }] of replies.entries()) {
    if (err !== 0) throw new Error(`${path}/${names[index]} is listed and cannot be read: ${err}`)
    const { data, stat } = readData(body)
    const { version, mzxid } = stat
    state.children.set(names[index] ?? '', { data: data?.toString() ?? '', version, mzxid })
  }
  return state
}
