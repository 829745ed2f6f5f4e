// npm run pack:client [-- FOLDER]: client and recipes as a package of their own, for those who want no server with them.
// Writes zabkeeper-client-<version>.tgz to the folder (or the current one): the files that they load, and nothing else.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { at, prepare, ROOT } from './lib/prepare.mjs'

/** What the package exports, and where that is in `dist`. */
const ENTRIES = { '.': 'src/client-node/index', './recipes': 'recipes/index' }
const RELATIVE_IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g

prepare()
const target = path.resolve(process.argv[2] ?? '.')
const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-client-'))
try {
  const { version, description, license, engines } = JSON.parse(
    readFileSync(at('package.json'), 'utf8'),
  )
  const exported = Object.entries(ENTRIES).map(([name, entry]) => {
    return [name, { types: `./${entry}.d.ts`, default: `./${entry}.js` }]
  })
  const manifest = {
    ...{ name: 'zabkeeper-client', version, license, engines, type: 'module', sideEffects: false },
    description: `${description}: client and recipes alone`,
    exports: { ...Object.fromEntries(exported), './package.json': './package.json' },
    files: ['src', 'recipes', 'LICENSE'],
  }
  writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  cpSync(at('LICENSE'), path.join(folder, 'LICENSE'))
  for (const file of filesOf(Object.values(ENTRIES))) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    cpSync(at('dist', file), path.join(folder, file))
  }
  mkdirSync(target, { recursive: true })
  process.exitCode = pack() ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Everything that these modules and their types import, by paths below `dist`. */
function filesOf(entries) {
  const found = new Set()
  const open = entries.flatMap((entry) => [`${entry}.js`, `${entry}.d.ts`])
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue
    found.add(file)
    for (const [, specifier] of readFileSync(at('dist', file), 'utf8').matchAll(RELATIVE_IMPORT)) {
      const module = path.join(path.dirname(file), specifier).replace(/\.(?:js|ts)$/, '')
      open.push(`${module}.js`, `${module}.d.ts`)
    }
  }
  return [...found].filter((file) => existsSync(at('dist', file))).sort()
}

function pack() {
  const args = ['pack', folder, '--ignore-scripts', '--pack-destination', target]
  const npm = process.env.npm_execpath
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  const { status } = spawnSync(command, [...first, ...args], { cwd: ROOT, stdio: 'inherit' })
  return status === 0
}
