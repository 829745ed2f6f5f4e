import { type Ensemble, fourLetterWord } from '../../../../bench/servers/index.ts'

/**
 * Watched paths with the number of sessions that watch each, over all servers.
 * @param nameOf takes what is of this run alone out of a path
 */
export async function watchCounts(
  ensemble: Ensemble,
  nameOf: (path: string) => string,
): Promise<readonly string[]> {
  const counts = new Map<string, number>()
  for (const { port } of ensemble.members) {
    let name = ''
    for (const line of (await fourLetterWord(port, 'wchp', 5000)).split('\n')) {
      if (line.startsWith('/')) name = nameOf(line)
      else if (line.trim() !== '') counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).toSorted()
}
