import { type Ensemble, fourLetterWord } from '../../../../../bench/servers/index.ts'

const SERVER = /localhost,\d+,\d+/g

/** Watched paths with the number of sessions that watch each, over all servers. */
export async function watchCounts(ensemble: Ensemble): Promise<readonly string[]> {
  const counts = new Map<string, number>()
  for (const { port } of ensemble.members) {
    let path = ''
    for (const line of (await fourLetterWord(port, 'wchp', 5000)).split('\n')) {
      if (line.startsWith('/')) path = line.replaceAll(SERVER, 'SERVER')
      else if (line.trim() !== '') counts.set(path, (counts.get(path) ?? 0) + 1)
    }
  }
  return [...counts].map(([path, count]) => `${path} ${count}`).toSorted()
}
