import type { ServerId } from '../../base/index.ts'
import { describeEvent } from '../describe-event.ts'
import type { History, HistoryEvent, HistoryKind } from '../history.ts'
import { HistoryIndex } from './history-index.ts'
import { Servers } from './server-track.ts'
import { WatchBook } from './watch-book.ts'

/** A rule that a history breaks. */
export interface Violation {
  readonly id: string
  /** What is wrong, and the event at which it shows. */
  readonly message: string
  /** Place of that event in the history; its length for what is missing at the end. */
  readonly at: number
}

/** What the run was allowed to do. Times in ms. */
export interface CheckOptions {
  readonly tickMs: number
  /** How much faster or slower than the world the clock of a server may run, as a fraction. */
  readonly clockDriftMax: number
  /** Whether a set of voters is a quorum; the majority unless given. */
  readonly isQuorum:
    | ((members: ReadonlySet<ServerId>, voters: readonly ServerId[]) => boolean)
    | null
  /** Whether a fault of this name may keep servers from hearing each other. */
  readonly isNetworkFault: (name: string) => boolean
  /** C6: how long a request may stay unanswered on a living connection at the end. */
  readonly unansweredMs: number
  /** E3: how long an election may take from the healing on. */
  readonly electionMs: number
  /** L1: from the healing to a leader that serves. */
  readonly leaderMs: number
  /** L2: from the healing, or a later start, to serving. */
  readonly serveMs: number
  /** L4: reply or disconnect, for all but one in a thousand requests after the healing. */
  readonly replyMs: number
  /** L5: until a server with a hung disk is out of the commit path. */
  readonly diskHangMs: number
}

export const DEFAULT_CHECK_OPTIONS: CheckOptions = {
  tickMs: 2000,
  clockDriftMax: 0,
  isQuorum: null,
  isNetworkFault: (name) => /^(net|link|partition)/.test(name),
  unansweredMs: 3000,
  electionMs: 3000,
  leaderMs: 3000,
  serveMs: 3000,
  replyMs: 3000,
  diskHangMs: 2000,
}

/** Also for the types that have several kinds. */
type EventOf<K extends HistoryKind, E = HistoryEvent> = E extends { readonly kind: infer Own }
  ? K extends Own
    ? E
    : never
  : never

/** Looks at one event; a text says what is wrong. `at` is its place in the history. */
type Look<K extends HistoryKind> = (event: EventOf<K>, at: number) => string | null

export type Looks = { readonly [K in HistoryKind]?: Look<K> }

/** What a checker wants to see. `servers` and `watches` stand before the event for `before`, after it for `after`. */
export interface Watching {
  readonly before?: Looks
  readonly after?: Looks
  /** Asked once at the end of the history. */
  readonly atEnd?: () => string | null
}

/** Everything that checkers share: they see the history go by once, all together. */
export interface Run {
  readonly history: History
  readonly index: HistoryIndex
  readonly servers: Servers
  readonly watches: WatchBook
  readonly options: CheckOptions
}

/** One invariant. `watch` gives it a state of its own for one run. */
export interface Checker {
  readonly id: string
  readonly title: string
  readonly watch: (run: Run) => Watching
}

type AnyLook = (event: HistoryEvent, at: number) => string | null

/**
 * The looks of the last run. What an engine has compiled of a function goes when nothing holds the function any more: all
 * checkers were compiled anew in every tenth run.
 */
const kept: ReadonlyMap<HistoryKind, Route>[] = []

/** Shows a history to all `checkers` in one pass. Each reports at most one violation, the first it meets. */
export function runCheckers(
  history: History,
  checkers: readonly Checker[],
  options: Partial<CheckOptions> = {},
): Violation[] {
  const violations: Violation[] = []
  const index = new HistoryIndex(history)
  const checkOptions = { ...DEFAULT_CHECK_OPTIONS, ...options }
  const servers = new Servers(index)
  const watches = new WatchBook(index)
  const run: Run = { history, index, servers, watches, options: checkOptions }
  const routes = new Map<HistoryKind, Route>()
  const atEnd: (() => void)[] = []
  for (const checker of checkers) {
    let isDone = false
    const report = (text: string, at: number): void => {
      if (isDone) return
      isDone = true
      violations.push({ id: checker.id, message: messageOf(checker, text, history[at]), at })
    }
    const watching = checker.watch(run)
    enter(routes, 'before', watching.before ?? {}, report)
    enter(routes, 'after', watching.after ?? {}, report)
    const end = watching.atEnd
    if (end === undefined) continue
    atEnd.push(() => {
      const text = end()
      if (text !== null) report(text, history.length)
    })
  }
  for (let at = 0; at < history.length; at += 1) {
    const event = history[at]!
    const route = routes.get(event.kind)
    if (route !== undefined) look(route.before, event, at)
    servers.step(event)
    watches.step(event, at)
    if (route !== undefined) look(route.after, event, at)
  }
  for (const end of atEnd) end()
  kept[0] = routes
  return violations
}

/** Who looks at the events of one kind. */
interface Route {
  readonly before: Viewer[]
  readonly after: Viewer[]
}

interface Viewer {
  readonly look: AnyLook
  readonly report: (text: string, at: number) => void
}

function look(viewers: readonly Viewer[], event: HistoryEvent, at: number): void {
  for (let i = 0; i < viewers.length; i += 1) {
    const viewer = viewers[i]!
    const text = viewer.look(event, at)
    if (text !== null) viewer.report(text, at)
  }
}

function enter(
  routes: Map<HistoryKind, Route>,
  when: 'after' | 'before',
  looks: Looks,
  report: (text: string, at: number) => void,
): void {
  for (const [kind, own] of Object.entries(looks) as [HistoryKind, AnyLook][]) {
    let route = routes.get(kind)
    if (route === undefined) {
      route = { before: [], after: [] }
      routes.set(kind, route)
    }
    route[when].push({ look: own, report })
  }
}

function messageOf(checker: Checker, text: string, event: HistoryEvent | undefined): string {
  const where = event === undefined ? 'at the end' : describeEvent(event).trim()
  return `${checker.id} (${checker.title}): ${text} [${where}]`
}
