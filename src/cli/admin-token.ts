import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type AdminConfig, adminTokenFault, ConfigError } from '../config/index.ts'

/**
 * The token of the configuration, from its file if there is one; null for none.
 * @throws ConfigError when the file cannot be read, or holds no token
 */
export function readAdminToken({ token, tokenFile }: AdminConfig): string | null {
  if (tokenFile === null) return token
  const file = path.resolve(tokenFile)
  const text = readToken(file)
  const fault = adminTokenFault(text)
  if (fault !== null) throw new ConfigError(file, null, 'admin.tokenFile', `the token ${fault}`)
  return text
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const reason = `cannot be read: ${code}; admin.tokenFile names it`
    throw new ConfigError(file, null, '', reason)
  }
}
