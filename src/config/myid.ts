import { ConfigError } from './config-error.ts'
import { SERVER_ID_MAX } from './server-line.ts'

/**
 * Reads the file `myid`: a server's own number on the first line.
 * @param file its path, for the error.
 * @throws ConfigError when that line is anything else.
 */
export function parseMyid(text: string, file: string): number {
  const line = text.split(/\r?\n|\r/, 1)[0]!.trim()
  const id = Number(line)
  if (/^\d+$/.test(line) && id <= SERVER_ID_MAX) return id
  throw new ConfigError(
    file,
    1,
    '',
    `'${line.slice(0, 40)}' is no server number from 0 to ${SERVER_ID_MAX}: ` +
      "this file must hold the N of this server's own server.N line and nothing else",
  )
}
