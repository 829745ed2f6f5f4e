import type { CallOptions, ZooKeeper } from '../client-node/index.ts'
import type { Arguments, FlagSet } from './flags.ts'
import type { HeldOutput } from './output.ts'
import type { WatchBook } from './watch-book.ts'

/** A value that `JSON.stringify` writes as it is. */
export type Json = boolean | number | object | string | null

/** What a command may ask of the shell that runs it. */
export interface ShellControls {
  /** Of the last commands, this one included, with their numbers. */
  readonly recent: readonly { readonly number: number; readonly line: string | null }[]
  printsWatches: boolean
  /** Ends the session and begins another one, with the same servers unless others are given. */
  connect(servers: string | null): Promise<void>
  close(): Promise<void>
  /** Ends the session, and no further command runs. */
  quit(): Promise<void>
  /** Runs the command with that number of the history again. @throws CommandError */
  redo(number: number): Promise<Json>
  /** The session has made an ephemeral znode: it must not end with the shell. */
  keepSession(): void
}

/** The world of one run of a command. */
export interface CommandContext {
  readonly output: HeldOutput
  readonly shell: ShellControls
  readonly watches: WatchBook
  /** For every call of the client. */
  readonly call: CallOptions
  readonly timeZone: string
  /** False: what `run` returns goes nowhere. */
  readonly isJson: boolean
  /** The client once it is connected. `path` is for the error when it is not. @throws CommandError */
  client(path?: string | null): Promise<ZooKeeper>
  /** False: no server answers at present. */
  isConnected(): boolean
  /** Part of the work could not be done: the exit code tells. */
  failPartly(): void
  /** Text of a file. @throws Error of the operating system */
  readFile(name: string): string
}

export interface Command {
  readonly name: string
  /** What follows the name. */
  readonly usage: string
  readonly flags: FlagSet
  /** Words behind the command that must be there. */
  readonly operandsMin: number
  readonly operandsMax?: number
  /** The usage text has a line for each flag. */
  readonly explainsFlags?: true
  /** It is also there without a session; then it prints a line about that. */
  readonly isOfShell?: true
  /** Left out of the list that a wrong command gets. */
  readonly isHidden?: true
  /** Prints what zkCli prints, and returns the same for `--json`. @throws CommandError, ZkError */
  run(context: CommandContext, args: Arguments): Promise<Json>
}

/** `get [-s] path` and, where the command has them, its flags. */
export function usageText({ name, usage, flags, explainsFlags }: Command): string {
  const line = `${name} ${usage}`
  if (explainsFlags === undefined) return line
  const rows = flags.flags.map(({ name: flag, hasValue, description }) => {
    const left = ` -${flag}${hasValue === undefined ? '' : ' <arg>'}`
    return { left, description }
  })
  const width = Math.max(...rows.map(({ left }) => left.length)) + 3
  const sorted = [...rows].sort((a, b) => (a.left < b.left ? -1 : 1))
  const lines = sorted.map(({ left, description }) => left.padEnd(width) + description)
  // With an empty line at the end, as zkCli has it.
  return [line, ...lines, ''].join('\n')
}
