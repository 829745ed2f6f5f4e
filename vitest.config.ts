import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Files run in a few processes at most: several of them start servers of their own.
    maxWorkers: 2,
    // Limits only end what hangs; no outcome may depend on how busy the machine is. The slowest test without a limit of
    // its own takes 6 seconds.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    restoreMocks: true,
    // A slow test is a fact worth seeing.
    slowTestThreshold: 2000,
  },
})
