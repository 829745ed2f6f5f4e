// docs/api.md: what a package's entry points export, taken from the declarations in dist.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const HEAD = `# API

What \`zabkeeper/client\`, \`zabkeeper/recipes\` and \`zabkeeper/testing\` export. Written by \`npm run api\` from the
declarations; [client.md](client.md), [recipes.md](recipes.md) and [testing.md](testing.md) explain it.
`

/** In this order, with the words that begin a declaration of the kind. */
const KINDS = [
  ['Functions', 'function'],
  ['Classes', 'class'],
  ['Interfaces', 'interface'],
  ['Types', 'type'],
  ['Constants', 'const'],
]

/** Members that other parts of the library call. */
const INTERNAL = /^\/\*\* For (?:the client|recipes)\b/

/** The page for entry points given as `[name, file in dist]`. */
export function apiPage(entries, dist) {
  const modules = new Modules(dist)
  const shown = new Map()
  const sections = entries.map(([name, file]) => section(name, modules.exportsOf(file), shown))
  return `${[HEAD, ...sections].join('\n')}`
}

/** @param shown declarations and the entry point under which the page has them already */
function section(name, declarations, shown) {
  const parts = KINDS.flatMap(([title, word]) => {
    const found = [...declarations].filter(([, { kind }]) => kind === word)
    if (found.length === 0) return []
    const sorted = found.sort(([a], [b]) => (a < b ? -1 : 1))
    return [
      `### ${title} of ${name}\n`,
      ...sorted.map(([id, one]) => entry(id, one, shown.get(one))),
    ]
  })
  for (const one of declarations.values()) if (!shown.has(one)) shown.set(one, name)
  return [`## zabkeeper/${name}\n`, ...parts].join('\n')
}

function entry(id, { doc, text }, shownUnder) {
  if (shownUnder !== undefined) return `#### \`${id}\`\n\nThat of zabkeeper/${shownUnder}.\n`
  const words = doc === null ? '' : `${plainDoc(doc)}\n\n`
  return `#### \`${id}\`\n\n${words}\`\`\`ts\n${text}\n\`\`\`\n`
}

/** The text of a comment, with its tags as a list. */
function plainDoc(doc) {
  const lines = doc
    .replace(/^\/\*\*\s?|\s*\*\/$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
  return lines
    .join('\n')
    .trim()
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/(^|[\s])@param (\w+) /g, '\n- `$2`: ')
    .replace(/(^|[\s])@throws /g, '\n- throws ')
    .trim()
}

/** Declaration files, read once each. */
class Modules {
  #dist
  #parsed = new Map()

  constructor(dist) {
    this.#dist = dist
  }

  /** Name to declaration, wherever it is made. */
  exportsOf(file) {
    const found = new Map()
    const { own, from } = this.#parse(file)
    for (const { names, target } of from) {
      const there = this.exportsOf(target)
      if (names === null) for (const [name, one] of there) found.set(name, one)
      else {
        for (const { name, as } of names) {
          const one = there.get(name)
          if (one === undefined) throw new Error(`${file}: ${target} has no ${name}`)
          found.set(as, one)
        }
      }
    }
    for (const [name, one] of own) found.set(name, one)
    return found
  }

  #parse(file) {
    const known = this.#parsed.get(file)
    if (known !== undefined) return known
    const source = readFileSync(path.join(this.#dist, file), 'utf8')
    const parsed = { own: declarationsIn(source), from: reexportsIn(source, file) }
    this.#parsed.set(file, parsed)
    return parsed
  }
}

function reexportsIn(source, file) {
  const pattern = /^export (?:type )?(?:\*|\{([^}]*)\}) from '([^']+)';$/gm
  return [...source.matchAll(pattern)].map(([, list, specifier]) => ({
    target: path.posix.join(path.posix.dirname(file), specifier).replace(/\.(?:ts|js)$/, '.d.ts'),
    names:
      list === undefined
        ? null
        : list
            .split(',')
            .map(named)
            .filter(({ name }) => name !== ''),
  }))
}

function named(text) {
  const [name = '', as = name] = text
    .trim()
    .replace(/^type /, '')
    .split(' as ')
  return { name, as }
}

/** What the compiler writes has comments and declarations one after the other, each from the first column on. */
function declarationsIn(source) {
  const found = new Map()
  let doc = null
  for (const part of source.trimEnd().split(/\n(?=[^\s}])/)) {
    if (part.startsWith('/**')) {
      doc = part
      continue
    }
    const start = /^export (?:declare )?(?:abstract )?(function|class|interface|type|const) (\w+)/
    const [, kind, name] = start.exec(part) ?? []
    if (name !== undefined) {
      const before = found.get(name)
      const text = tidied(part)
      // Overloads.
      if (before !== undefined) before.text += `\n${text}`
      else found.set(name, { kind, doc, text })
    }
    doc = null
  }
  return found
}

/** As this project writes code, without what is nobody's business. */
function tidied(text) {
  const lines = text.replace(/^export (?:declare )?/, '').split('\n')
  const kept = []
  let doc = []
  let isInternal = false
  for (const line of lines) {
    if (/^ {4}(?:\/\*\*|\s\*)/.test(line)) {
      doc.push(line)
      continue
    }
    if (doc.length > 0) isInternal = INTERNAL.test(doc[0].trim())
    if (!isInternal && !/^ {4}(?:#private|private )/.test(line)) kept.push(...doc, line)
    // A member may have several lines.
    if (/^ {4}\S.*[;{}]$|^\S/.test(line) && !/[{(]$/.test(line)) isInternal = false
    doc = []
  }
  return kept
    .map((line) => line.replace(/^(?: {4})+/, (spaces) => ' '.repeat(spaces.length / 2)))
    .join('\n')
}
