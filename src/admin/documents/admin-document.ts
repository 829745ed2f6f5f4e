import type { ProcessStatus } from '../../env/index.ts'
import type { ServerStatus } from '../../server/index.ts'
import { type JsonValue, jsonObject, renderJson } from './json.ts'

/** What a command may do to the server, beside reading it. */
export interface AdminControl {
  traceMask: bigint
  resetStats(): void
  resetConnectionStats(): void
  resetObserverStats(): void
}

/** What of the program's start is shown. */
export interface StartFacts {
  /** The configuration file as it was read; null when there was none. Secrets are in it. */
  readonly configText: string | null
  readonly timeZone: string
}

/** What an answer is made of. */
export interface AdminContext {
  readonly status: ServerStatus
  readonly process: ProcessStatus
  readonly start: StartFacts
  readonly control: AdminControl
  /** Parameters of the address, behind the question mark. */
  readonly parameters: ReadonlyMap<string, string>
}

/** What a command has to say. Its own `error` stands in front, where upstream's commands put it. */
export type AdminAnswer =
  | { readonly data: readonly (readonly [string, JsonValue])[] }
  | { readonly error: string }

/** A command that is answered from what is known of the server. */
export interface AdminCommand {
  readonly name: string
  readonly aliases: readonly string[]
  /** Whether it is answered while no clients are served. */
  readonly needsNoServer: boolean
  answer(context: AdminContext): AdminAnswer
}

export const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests'

/** The text of an answer: its data, then the name of the command and null for "no error". */
export function renderAnswer(command: string, answer: AdminAnswer): string {
  if ('error' in answer) {
    return renderJson(
      jsonObject([
        ['error', answer.error],
        ['command', command],
      ]),
    )
  }
  return renderJson(jsonObject([...answer.data, ['command', command], ['error', null]]))
}

/** The text for what keeps a command from being carried out at all; `data` comes first. */
export function renderFailure(
  command: string,
  error: string | null,
  data: readonly (readonly [string, JsonValue])[] = [],
): string {
  return renderJson(jsonObject([...data, ['command', command], ['error', error]]))
}
