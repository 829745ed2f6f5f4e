import type { Config } from '../config/index.ts'
import { AuthProviders } from '../znodes/index.ts'

/** The authentication schemes that a configuration asks for. */
export function authProvidersOf(config: Config): AuthProviders {
  return new AuthProviders({
    skipAcl: config.skipAcl,
    isDigestEnabled: config.digestAuth,
    superDigest: config.superDigest,
  })
}
