/**
 * The kind of file system that a path is on, by the text of /proc/mounts; null if no line fits.
 * @param path absolute, without symbolic links.
 */
export function fileSystemOf(path: string, mounts: string): string | null {
  let longest = -1
  let kind: string | null = null
  for (const line of mounts.split('\n')) {
    const [, where, type] = line.split(' ')
    if (where === undefined || type === undefined) continue
    // The kernel writes blanks in octal.
    const folder = where.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    )
    const isInside = path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`)
    // What is mounted later hides what was there before.
    if (!isInside || folder.length < longest) continue
    longest = folder.length
    kind = type
  }
  return kind
}
