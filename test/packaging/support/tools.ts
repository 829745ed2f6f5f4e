import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import path from 'node:path'
import { ROOT } from '../../tidy/source-files.ts'

/** Folder of what is tested here. */
export const PACKAGING: string = path.join(ROOT, 'packaging')

/** Runs a program to its end, in the folder of the packaging unless told otherwise. */
export function runTool(
  command: string,
  words: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): SpawnSyncReturns<string> {
  return spawnSync(command, words, { cwd: PACKAGING, encoding: 'utf8', ...options })
}

/**
 * True when tests that need a program must be skipped. Says so; with `ZABKEEPER_REQUIRE_PEERS=1` a missing one is a failure
 * instead.
 * @param words that make it succeed where it is there
 */
export function skipWithoutTool(command: string, ...words: readonly string[]): boolean {
  const { status, error } = runTool(command, words)
  if (status === 0 && error === undefined) return false
  const reason = `${command} ${words.join(' ')}: not to be had here (scripts/install-peers.sh)`
  if (process.env['ZABKEEPER_REQUIRE_PEERS'] === '1') {
    throw new Error(`${reason}, required by ZABKEEPER_REQUIRE_PEERS=1`)
  }
  console.warn(`skipped: ${reason}`)
  return true
}

/** What of Python's packages Debian has, no other installation need have. */
export const PYTHON = '/usr/bin/python3'

const TO_JSON = 'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)'

/** All documents of a YAML text. */
export function parseYaml(text: string): unknown[] {
  const { status, stdout, stderr } = runTool(PYTHON, ['-c', TO_JSON], { input: text })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
