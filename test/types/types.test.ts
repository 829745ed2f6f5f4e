import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { listFiles, ROOT, readText } from '../tidy/source-files.ts'

const files = listFiles('test/types').filter((file) => file.endsWith('-types.ts'))
const MARK = '// @ts-expect-error'

/** What the compiler says about `text` in place of a file of test/types. */
function compile(text: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-types-'))
  try {
    const moved = text.replaceAll("'../../", `'${ROOT}/`).replaceAll("'./", `'${ROOT}/test/types/`)
    writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(path.join(folder, 'case.ts'), moved)
    const typeRoots = [path.join(ROOT, 'node_modules', '@types')]
    const compilerOptions = { rootDir: '/', typeRoots, rewriteRelativeImportExtensions: false }
    const config = { extends: path.join(ROOT, 'tsconfig.json'), include: [], files: ['case.ts'] }
    const options = { ...compilerOptions, allowImportingTsExtensions: true }
    const file = path.join(folder, 'tsconfig.json')
    writeFileSync(file, JSON.stringify({ ...config, compilerOptions: options }))
    const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
    return stdout
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test.each(files)('%s compiles', (file) => {
  expect(compile(readText(file))).toBe('')
})

test('what is expected to be an error is looked at', () => {
  const text = readText(files[0]!)
  // Without its mark each of them is an error of its own, and the only one.
  const errors = compile(text.replaceAll(MARK, '//')).match(/error TS/g)!
  expect(errors.length).toBe(text.split(MARK).length - 1)
  expect(compile(text.replace('exactly<Stat | null>', 'exactly<Stat>'))).toContain('error TS')
})
