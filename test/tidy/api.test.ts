import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { ROOT } from './source-files.ts'

test('docs/api.md is what is declared: npm run api writes it', () => {
  const check = [path.join(ROOT, 'scripts', 'api.mjs'), '--check']
  const { status, stderr } = spawnSync(process.execPath, check, { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})

test('the page shows what is exported, and only what callers use', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-api-'))
  mkdirSync(path.join(folder, 'part'))
  writeFileSync(
    path.join(folder, 'index.d.ts'),
    "export * from './part/all.ts';\nexport { type B as C, hidden as shown } from './part/some.ts';\n" +
      '/** Adds. @param a one @throws Never */\nexport declare function add(a: number): number;\n' +
      'export declare function add(a: bigint): bigint;\n',
  )
  writeFileSync(
    path.join(folder, 'part/all.d.ts'),
    '/**\n * A thing.\n */\nexport declare class Thing {\n    #private;\n    private x;\n    /** For the client. */\n' +
      '    attach(options: {\n        a: 1;\n    }): void;\n    /** Used. */\n    use(): void;\n}\ninterface Unseen {\n}\n',
  )
  writeFileSync(
    path.join(folder, 'part/some.d.ts'),
    "export type B = {\n    readonly a: 'x;y';\n};\nexport declare const hidden: number;\nexport type No = 1;\n",
  )
  const script = pathToFileURL(path.join(ROOT, 'scripts/lib/api-page.mjs')).href
  const { apiPage } = await import(script)
  const page: string = apiPage([['one', 'index.d.ts']], folder)
  rmSync(folder, { recursive: true })
  expect(page.slice(page.indexOf('## zabkeeper/one'))).toBe(`## zabkeeper/one

### Functions of one

#### \`add\`

Adds.
- \`a\`: one
- throws Never

\`\`\`ts
function add(a: number): number;
function add(a: bigint): bigint;
\`\`\`

### Classes of one

#### \`Thing\`

A thing.

\`\`\`ts
class Thing {
  /** Used. */
  use(): void;
}
\`\`\`

### Types of one

#### \`C\`

\`\`\`ts
type B = {
  readonly a: 'x;y';
};
\`\`\`

### Constants of one

#### \`shown\`

\`\`\`ts
const hidden: number;
\`\`\`
`)
})
