// npm run api: writes docs/api.md from the declarations in dist, which is built first if need be.
// npm run api -- --check: only compares, and says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { apiPage } from './lib/api-page.mjs'
import { at, prepare, step } from './lib/prepare.mjs'

const ENTRIES = ['client', 'recipes', 'testing']
const PAGE = at('docs', 'api.md')

const isCheck = process.argv.includes('--check')
if (!isCheck) prepare()
const manifest = JSON.parse(readFileSync(at('package.json'), 'utf8'))
const files = ENTRIES.map((name) => [
  name,
  manifest.exports[`./${name}`].types.replace('./dist/', ''),
])
const page = apiPage(files, at('dist'))
if (!isCheck) writeFileSync(PAGE, page)
else if (readFileSync(PAGE, 'utf8') !== page) {
  step('docs/api.md is not what dist declares: npm run api')
  process.exitCode = 1
}
