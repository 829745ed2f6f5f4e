// Brings a clone to the point where it can run: packages installed, dist built. Needs nothing but Node and npm.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')

const TSC = path.join('node_modules', 'typescript', 'bin', 'tsc')
const STAMP = path.join('node_modules', '.zabkeeper-installed')
const SOURCES = ['src', 'recipes', 'bin', 'bench', 'tsconfig.json', 'tsconfig.build.json']

/**
 * Installs packages and builds `dist` if they are missing or out of date, or ends the process with a message.
 * `{ always: true }` builds in any case.
 */
export function prepare({ always = false } = {}) {
  try {
    requireNode()
    ensureInstalled()
    if (always || !isBuilt()) build()
  } catch (error) {
    process.stderr.write(`zabkeeper: ${error.message}\n`)
    process.exit(1)
  }
}

/** Runs a program from the project's folder; true when it succeeded. Its output goes to standard error. */
export function succeeds(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: ['ignore', 2, 2], ...options })
  if (result.error !== undefined) process.stderr.write(`${command}: ${result.error.message}\n`)
  return result.status === 0
}

/** A line about what is going on, on standard error: standard output belongs to the program that is started. */
export function step(text) {
  process.stderr.write(`> ${text}\n`)
}

export function at(...parts) {
  return path.join(ROOT, ...parts)
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Error(`Node 20.19 or newer is needed; this is ${process.version}`)
}

/** Runs `npm ci` when the installed packages are not those of package-lock.json. */
function ensureInstalled() {
  const hash = createHash('sha256')
    .update(readFileSync(at('package-lock.json')))
    .digest('hex')
  if (isInstalled(hash)) return
  step('installing packages (npm ci)')
  // npm decides by NODE_ENV whether the compiler is installed; here it always is.
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  run(npm, ['ci', '--include=dev'], { shell: process.platform === 'win32' })
  writeFileSync(at(STAMP), hash)
}

/** Compiles into a folder beside `dist` and swaps the two, so that `dist` is whole at any time. */
function build() {
  step('building dist')
  const fresh = `.dist-${process.pid}`
  const old = `${fresh}-old`
  const places = ['--outDir', fresh, '--tsBuildInfoFile', path.join(fresh, '.tsbuildinfo')]
  try {
    run(process.execPath, [at(TSC), '-p', 'tsconfig.build.json', ...places])
    for (const name of readdirSync(at(fresh, 'bin'))) {
      if (name.endsWith('.js')) chmodSync(at(fresh, 'bin', name), 0o755)
    }
    if (existsSync(at('dist'))) renameSync(at('dist'), at(old))
    renameSync(at(fresh), at('dist'))
  } finally {
    for (const place of [fresh, old]) rmSync(at(place), { recursive: true, force: true })
  }
}

function run(command, args, options) {
  if (succeeds(command, args, options)) return
  throw new Error(`failed: ${[command, ...args].join(' ')}`)
}

function isInstalled(hash) {
  if (!existsSync(at(TSC))) return false
  if (existsSync(at(STAMP))) return readFileSync(at(STAMP), 'utf8') === hash
  // Somebody installed by hand. npm leaves a lock file of its own behind.
  const installed = at('node_modules', '.package-lock.json')
  if (!existsSync(installed)) return false
  if (statSync(installed).mtimeMs < statSync(at('package-lock.json')).mtimeMs) return false
  writeFileSync(at(STAMP), hash)
  return true
}

function isBuilt() {
  const stamp = at('dist', '.tsbuildinfo')
  if (!existsSync(stamp)) return false
  const builtMs = statSync(stamp).mtimeMs
  return SOURCES.every((name) => newestMs(at(name)) <= builtMs)
}

/** Newest change in a file or tree; a folder's own time tells of deleted files. */
function newestMs(place) {
  if (!existsSync(place)) return 0
  const info = statSync(place)
  if (!info.isDirectory()) return info.mtimeMs
  const inside = readdirSync(place).map((name) => newestMs(path.join(place, name)))
  return Math.max(info.mtimeMs, ...inside)
}
