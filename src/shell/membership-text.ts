/** Lines of a dynamic configuration file that say who belongs to the ensemble. */
const MEMBER_LINE = /^\s*((?:server|group|weight)\.\d+)\s*[=:]\s*(\S.*?)\s*$/

/**
 * The membership in the text of a dynamic configuration file, as `reconfig` sends it: `server.1=…,server.2=…`. Null
 * when there is no server in it.
 */
export function membersOf(text: string): string | null {
  const entries = memberLines(text)
  if (!entries.some(([key]) => key.startsWith('server.'))) return null
  return entries.map(([key, value]) => `${key}=${value}`).join(',')
}

/** `<version in hex> host:port,host:port`: where clients connect, as `config -c` has it. */
export function clientAddresses(text: string): { version: string; addresses: string[] } {
  const version = /^version=(\S+)\s*$/m.exec(text)?.[1] ?? ''
  const addresses = memberLines(text).flatMap(([key, value]) => {
    const client = key.startsWith('server.') ? value.split(';')[1]?.trim() : undefined
    if (client === undefined || client === '') return []
    return [client.includes(':') ? client : `0.0.0.0:${client}`]
  })
  return { version, addresses }
}

function memberLines(text: string): [key: string, value: string][] {
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    const match = MEMBER_LINE.exec(line)
    return match === null ? [] : [[match[1]!, match[2]!] as [string, string]]
  })
}
