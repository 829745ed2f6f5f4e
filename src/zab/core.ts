import { assert, type ServerId, unreachable, type Zxid } from '../base/index.ts'
import { type Input, InputKind, type LinkId } from './inputs.ts'
import {
  answerEstablished,
  Looking,
  lookingNotification,
  lookingPeerDown,
  lookingTimeout,
  startWhenDiskIsIdle,
} from './looking.ts'
import type { Notification } from './messages.ts'
import type { CoreOptions } from './options.ts'
import { type Outbox, Role } from './outbox.ts'
import { CoreState, type Transition } from './state.ts'
import { PeerState, type Vote } from './vote.ts'

/** The vote has been decided. */
interface Elected {
  readonly name: 'elected'
  readonly role: Role
}

/**
 * A server's part in Zab: a state machine without clock, disk or network. `step` takes what happened, `outbox` holds
 * what is to be done, `nextDeadlineMs` says when to step again at the latest.
 */
export class ZabCore {
  readonly #state: CoreState
  #role: Looking | Elected

  constructor(options: CoreOptions, nowMs: number) {
    this.#state = new CoreState(options)
    this.#state.nowMs = nowMs
    this.#role = this.#becomeLooking('start')
  }

  get outbox(): Outbox {
    return this.#state.outbox
  }

  get vote(): Vote {
    return this.#state.vote
  }

  allotLink(): LinkId {
    return this.#state.allotLink()
  }

  nextDeadlineMs(): number {
    return this.#role.name === 'looking' ? this.#role.nextDeadlineMs() : Infinity
  }

  /** Throws if the state contradicts itself. Cheap enough for every step of a test. */
  checkInvariants(): void {
    const { history, durableZxid, applied, isDiskIdle } = this.#state
    assert(applied <= durableZxid, 'memory is ahead of the disk')
    assert(!isDiskIdle || history.last === durableZxid, 'an idle disk is behind the history')
  }

  /** Assigns the next zxid to a transaction; null unless this server leads and may assign one now. */
  propose(_txn: Uint8Array, _nowMs: number): Zxid | null {
    return null
  }

  /** `nowMs` is monotonic. Nothing that a peer sends makes this throw. */
  step(input: Input, nowMs: number): void {
    assert(nowMs >= this.#state.nowMs, 'time runs backwards')
    this.#state.nowMs = nowMs
    switch (input.kind) {
      case InputKind.TIMEOUT:
        if (this.#role.name === 'looking') lookingTimeout(this.#state, this.#role)
        break
      case InputKind.NOTIFICATION:
        this.#onNotification(input.from, input.notification)
        break
      case InputKind.PEER_DOWN:
        if (this.#role.name === 'looking') lookingPeerDown(this.#state, this.#role, input.sid)
        break
      case InputKind.DURABLE:
        this.#state.onDurable(input.token)
        if (this.#role.name === 'looking') startWhenDiskIsIdle(this.#state, this.#role)
        break
      default:
        break
    }
    const { transition } = this.#state
    if (transition === null) return
    this.#state.transition = null
    this.#carryOut(transition)
  }

  #onNotification(from: ServerId, notification: Notification): void {
    const role = this.#role
    if (role.name === 'looking') lookingNotification(this.#state, role, from, notification)
    else answerEstablished(this.#state, from, notification, STATE_OF_ROLE[role.role])
  }

  #carryOut(transition: Transition): void {
    switch (transition.to) {
      case 'looking':
        this.#role = this.#becomeLooking(transition.reason)
        break
      case 'leading':
        this.#role = this.#becomeElected(Role.LEADING, transition)
        break
      case 'following':
        this.#role = this.#becomeElected(
          this.#state.isVoter ? Role.FOLLOWING : Role.OBSERVING,
          transition,
        )
        break
      default:
        unreachable(transition)
    }
  }

  #becomeLooking(reason: string): Looking {
    const state = this.#state
    const looking = new Looking(state, reason)
    state.outbox.roleChanges.push({
      role: Role.LOOKING,
      epoch: state.currentEpoch,
      leader: null,
      serving: false,
      reason,
    })
    startWhenDiskIsIdle(state, looking)
    return looking
  }

  #becomeElected(role: Role, transition: { vote: Vote; reason: string }): Elected {
    this.#state.trace(`${role === Role.LEADING ? 'leading' : 'following'} ${transition.reason}`)
    this.#state.outbox.roleChanges.push({
      role,
      epoch: this.#state.currentEpoch,
      leader: transition.vote.leader,
      serving: false,
      reason: transition.reason,
    })
    return { name: 'elected', role }
  }
}

/** What a server in a role says of itself on the election port; the numbers happen to differ for no role. */
export const STATE_OF_ROLE: Readonly<Record<Role, PeerState>> = {
  [Role.LOOKING]: PeerState.LOOKING,
  [Role.FOLLOWING]: PeerState.FOLLOWING,
  [Role.LEADING]: PeerState.LEADING,
  [Role.OBSERVING]: PeerState.OBSERVING,
}
