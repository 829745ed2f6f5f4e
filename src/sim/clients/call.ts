import type { Answer, Operation } from './operation.ts'

/** Whoever asked. */
export interface ReplyHandler {
  /** The reply has come, or (`call.answer` is null) never will: the connection is lost. */
  onReply(call: Call): void
}

/** A request on its way, then with its reply. */
export class Call {
  readonly operation: Operation
  readonly xid: number
  readonly handler: ReplyHandler
  /** What the handler wants to remember of its request: a kind of its own counting … */
  readonly tag: number
  /** … and anything else. */
  readonly detail: unknown
  answer: Answer | null = null

  constructor(
    operation: Operation,
    xid: number,
    handler: ReplyHandler,
    tag: number,
    detail: unknown,
  ) {
    this.operation = operation
    this.xid = xid
    this.handler = handler
    this.tag = tag
    this.detail = detail
  }
}
