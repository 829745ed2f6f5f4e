/** Unpredictable in the platform, a function of the seed in the simulator. */
export interface Random {
  /** An integer in 0 … 2^32-1. */
  uint32(): number
  fill(bytes: Uint8Array): void
}
