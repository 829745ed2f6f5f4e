import { spawnSync } from 'node:child_process'
import { Program } from '../../clients/support/index.ts'

/** How a server of ours makes something durable: segments of the log are written through, the rest is synced. */
const CALLS = 'pwrite64,pwritev,pwritev2,fdatasync,fsync'

/** A running server whose every durable write takes longer: strace holds the system calls up. */
export class SlowDisk {
  readonly #strace: Program

  static isPossible(): boolean {
    return spawnSync('strace', ['-V']).status === 0
  }

  static async attach(pid: number, delayMs: number): Promise<SlowDisk> {
    const inject = `inject=${CALLS}:delay_enter=${delayMs * 1000}`
    const args = ['-f', '-p', String(pid), '-e', `trace=${CALLS}`, '-e', inject]
    const strace = new Program('strace', args, { timeoutMs: 120_000 })
    await strace.waitFor('attached')
    return new SlowDisk(strace)
  }

  private constructor(strace: Program) {
    this.#strace = strace
  }

  /** Resolves once a call is being held up. */
  async used(): Promise<void> {
    await this.#strace.waitFor(/pwrite|sync/)
  }

  /** Without its tracer the server goes on at once, in the middle of a call too. */
  heal(): void {
    this.#strace.kill()
  }
}
