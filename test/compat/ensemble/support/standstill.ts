import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EnsembleMember } from '../../../../bench/servers/index.ts'

/** Stops a server (SIGSTOP), and waits until none of its threads does anything any more. Linux only. */
export async function standStill(member: EnsembleMember): Promise<void> {
  member.signal('SIGSTOP')
  while (!isStopped(member.pid)) await sleep(1)
}

function isStopped(pid: number): boolean {
  const threads = `/proc/${pid}/task`
  return readdirSync(threads).every((thread) => stateOf(`${threads}/${thread}/stat`) === 'T')
}

/** What follows the name of the thread, which is in brackets; as stopped counts what ended meanwhile. */
function stateOf(file: string): string {
  try {
    return /\) (\S)/.exec(readFileSync(file, 'latin1'))?.[1] ?? ''
  } catch {
    return 'T'
  }
}
