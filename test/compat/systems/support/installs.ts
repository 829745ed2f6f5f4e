import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { Peer } from '../../clients/support/index.ts'

/** A system as `scripts/install-systems.sh` leaves it. */
export interface SystemInstall {
  readonly version: string
  readonly folder: string
  /** All jars of the folder, for `java -cp`. */
  readonly classPath: string
}

/**
 * With `ZABKEEPER_SYSTEMS=0` there is none: they take longer than the check before a change may.
 * Looks at the folder that `ZABKEEPER_<NAME>_FOLDER` names, then for `/opt/<name>-<version>`, of several the newest.
 */
export function findSystem(name: string): Peer<SystemInstall> {
  if (process.env['ZABKEEPER_SYSTEMS'] === '0') {
    return { found: null, missing: `${name} is left out (ZABKEEPER_SYSTEMS=0)` }
  }
  const named = process.env[`ZABKEEPER_${name.toUpperCase()}_FOLDER`]
  const folder = named ?? newestFolder(name)
  if (folder === null || !existsSync(path.join(folder, '.complete'))) {
    const command = `scripts/install-systems.sh ${name}`
    return { found: null, missing: `${name} is not installed (${command} does it)` }
  }
  const version = /-([\d.]+)\/?$/.exec(folder)?.[1] ?? 'unknown'
  return { found: { version, folder, classPath: path.join(folder, '*') }, missing: null }
}

/**
 * True when tests with the system must be skipped; says so once. Systems are big and take minutes, so a missing one is
 * never a failure, whatever the environment requires.
 */
export function skipWithoutSystem(system: Peer<SystemInstall>): boolean {
  if (system.missing === null) return false
  console.warn(`skipped: ${system.missing}`)
  return true
}

function newestFolder(name: string): string | null {
  const folders = existsSync('/opt') ? readdirSync('/opt') : []
  const own = folders.filter(
    (one) => one.startsWith(`${name}-`) && /^[\d.]+$/.test(one.slice(name.length + 1)),
  )
  own.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  const newest = own.at(-1)
  return newest === undefined ? null : path.join('/opt', newest)
}
