import { existsSync } from 'node:fs'
import { type Peer, runProgram } from '../../clients/support/index.ts'

/** `zktop`, and `script`, which gives it a terminal. */
export async function zktop(): Promise<Peer<string>> {
  if (!existsSync('/usr/bin/zktop'))
    return missing('zktop is missing (Debian: apt-get install zktop)')
  const { code } = await runProgram('script', ['--version']).catch(() => ({ code: -1 }))
  return code === 0
    ? { found: '/usr/bin/zktop', missing: null }
    : missing('script is missing (Debian: apt-get install bsdutils)')
}

/** Patroni as Debian has it, with the Python it was made for. */
export async function patroni(): Promise<Peer<string>> {
  const { code } = await runProgram('/usr/bin/patroni', ['--version']).catch(() => ({ code: -1 }))
  return code === 0
    ? { found: '/usr/bin/patroni', missing: null }
    : missing('patroni is missing (Debian: apt-get install patroni python3-kazoo)')
}

function missing(reason: string): Peer<string> {
  return { found: null, missing: reason }
}
