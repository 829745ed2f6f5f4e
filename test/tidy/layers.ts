/**
 * Which folder may import which. Rows come in an order in which every arrow points upwards, so there is no
 * cycle between folders. docs/architecture.md says what lives where.
 */
export interface Layer {
  readonly folder: string
  readonly mayImport: readonly string[]
  /**
   * - `pure`: a function of its arguments. No clock, chance, waiting, process.
   * - `turn`: may have effects through the environment, but nothing waits: callbacks and explicit state.
   * - `edge`: touches the operating system and packages.
   */
  readonly kind: 'edge' | 'pure' | 'turn'
}

const SERVER_PARTS = ['src/base', 'src/env', 'src/config', 'src/wire', 'src/session', 'src/znodes']

export const LAYERS: readonly Layer[] = [
  { folder: 'src/base', mayImport: [], kind: 'pure' },
  { folder: 'src/env', mayImport: ['src/base'], kind: 'pure' },
  { folder: 'src/config', mayImport: ['src/base'], kind: 'pure' },
  { folder: 'src/wire', mayImport: ['src/base'], kind: 'turn' },
  { folder: 'src/zab', mayImport: ['src/base'], kind: 'pure' },
  { folder: 'src/session', mayImport: ['src/base'], kind: 'pure' },
  { folder: 'src/znodes', mayImport: ['src/base', 'src/wire'], kind: 'pure' },
  { folder: 'src/storage', mayImport: ['src/base', 'src/env', 'src/wire'], kind: 'turn' },
  {
    folder: 'src/peer',
    mayImport: ['src/base', 'src/env', 'src/wire', 'src/zab'],
    kind: 'turn',
  },
  {
    folder: 'src/server',
    mayImport: [...SERVER_PARTS, 'src/storage', 'src/zab', 'src/peer'],
    kind: 'turn',
  },
  {
    folder: 'src/apache-files',
    mayImport: [...SERVER_PARTS, 'src/storage', 'src/server'],
    kind: 'turn',
  },
  { folder: 'src/admin', mayImport: ['src/base', 'src/env', 'src/server'], kind: 'turn' },
  { folder: 'src/platform', mayImport: ['src/base', 'src/env'], kind: 'edge' },
  { folder: 'src/client', mayImport: ['src/base', 'src/env', 'src/wire'], kind: 'edge' },
  {
    folder: 'src/client-node',
    mayImport: ['src/env', 'src/client', 'src/platform'],
    kind: 'edge',
  },
  {
    folder: 'src/maintenance',
    mayImport: [
      'src/base',
      'src/env',
      'src/wire',
      'src/znodes',
      'src/storage',
      'src/server',
      'src/apache-files',
      'src/platform',
      'src/client-node',
    ],
    kind: 'edge',
  },
  {
    folder: 'src/cluster',
    mayImport: ['src/base', 'src/env', 'src/config', 'src/platform', 'src/client-node'],
    kind: 'edge',
  },
  {
    folder: 'src/admin-http',
    mayImport: [
      'src/base',
      'src/env',
      'src/config',
      'src/wire',
      'src/server',
      'src/apache-files',
      'src/admin',
    ],
    kind: 'edge',
  },
  {
    folder: 'src/shell',
    mayImport: ['src/config', 'src/wire', 'src/admin', 'src/client-node'],
    kind: 'edge',
  },
  { folder: 'recipes', mayImport: ['src/base', 'src/env', 'src/client'], kind: 'edge' },
  {
    folder: 'src/sim',
    mayImport: [...SERVER_PARTS, 'src/storage', 'src/zab', 'src/peer', 'src/server'],
    kind: 'turn',
  },
  {
    folder: 'src/testing',
    mayImport: [
      'src/base',
      'src/env',
      'src/config',
      'src/wire',
      'src/storage',
      'src/server',
      'src/admin',
      'src/platform',
      'src/client',
      'src/sim',
    ],
    kind: 'edge',
  },
  {
    folder: 'src/rescue',
    mayImport: [...SERVER_PARTS, 'src/storage', 'src/server', 'src/apache-files', 'src/platform'],
    kind: 'edge',
  },
  { folder: 'src/forensics', mayImport: ['src/base', 'src/server'], kind: 'edge' },
  {
    folder: 'src/cli',
    mayImport: [
      ...SERVER_PARTS,
      'src/storage',
      'src/zab',
      'src/peer',
      'src/server',
      'src/apache-files',
      'src/admin',
      'src/admin-http',
      'src/platform',
      'src/client-node',
      'src/shell',
      'src/maintenance',
      'src/cluster',
      'recipes',
      'src/sim',
      'src/rescue',
      'src/forensics',
    ],
    kind: 'edge',
  },
  {
    // The package's front door: src/index.ts.
    folder: 'src',
    mayImport: ['src/config', 'src/storage', 'src/server', 'src/admin', 'src/platform', 'src/cli'],
    kind: 'edge',
  },
  { folder: 'bin', mayImport: ['src/cli'], kind: 'edge' },
]

/**
 * Files that others may import beside a folder's `index.ts`: types and numbers without any code, so that
 * whoever needs only them does not load the codec.
 */
export const OPEN_FILES: readonly string[] = [
  'src/wire/records.ts',
  'src/wire/codes.ts',
  'src/admin/version.ts',
]
