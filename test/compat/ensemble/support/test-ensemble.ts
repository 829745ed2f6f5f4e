import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Ensemble, type EnsembleOptions } from '../../../../bench/servers/index.ts'
import { SUPER_DIGEST } from './tree-dump.ts'

export type TestEnsembleOptions = Omit<EnsembleOptions, 'folder'>

/** Gives `use` an ensemble that serves; whatever happens, its processes end. What they wrote is put into errors. */
export async function withEnsemble(
  options: TestEnsembleOptions,
  use: (ensemble: Ensemble) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(workFolder(), 'zabkeeper-ensemble-'))
  const config = [SUPER_DIGEST, 'extendedTypesEnabled=true', ...(options.config ?? [])]
  const ensemble = await Ensemble.make({ ...options, config, folder })
  try {
    await ensemble.start()
    await use(ensemble)
  } catch (error) {
    const reason = error instanceof Error ? error.stack : String(error)
    const roles = await Promise.all(
      ensemble.members.map(async (one) => `${one.kind} on port ${one.port}: ${await one.mode()}`),
    )
    throw new Error(`${reason}\n${roles.join('\n')}\n${ensemble.output}`, { cause: error })
  } finally {
    await ensemble.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** In memory where there is room: `kill -9` loses nothing there either, and disks make every start slower. */
function workFolder(): string {
  const memory = '/dev/shm'
  if (!existsSync(memory)) return tmpdir()
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize > 1 << 30 ? memory : tmpdir()
}
