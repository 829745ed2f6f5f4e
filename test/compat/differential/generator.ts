/** Random scripts: several connections, a small tree, most actions about znodes that exist. */
import { Model, parentOf } from './model.ts'
import { Random } from './random.ts'

const CONNECTIONS: readonly string[] = ['A', 'B', 'C', 'D']
const NAMES: readonly string[] = ['a', 'b', 'c', 'd', 'e', 'long-name']
const BAD_PATHS: readonly string[] = [
  '""',
  'a',
  '/a/',
  '/a//b',
  '/a/.',
  '"/a\\u0001"',
  '"/\\u0000"',
]
const PROFILES: readonly (readonly [number, string])[] = [
  [6, 'extended'],
  [2, 'super'],
  [2, 'quota'],
  [1, 'plain'],
]
const MAX_DEPTH = 4
const MAX_NODES = 60

export interface GeneratedScript {
  readonly text: string
  readonly actions: number
}

/** A script of about `actions` actions. */
export function generateScript(seed: number, actions: number): GeneratedScript {
  return new Generator(new Random(seed)).run(actions)
}

class Generator {
  private readonly random: Random
  private readonly model = new Model()
  private readonly profile: string
  private readonly lines: string[] = []
  /** Sessions made so far on each connection name: owners of ephemerals in the model. */
  private readonly generation = new Map<string, number>()
  /** Paths each connection may be watching. */
  private readonly watched = new Map<string, string[]>()
  /** Paths written lately, and their parents. */
  private recent: readonly string[] = ['/']

  constructor(random: Random) {
    this.random = random
    this.profile = random.weighted(PROFILES)
  }

  run(actions: number): GeneratedScript {
    this.lines.push(`profile ${this.profile}`)
    for (const name of CONNECTIONS) this.connect(name)
    if (this.profile === 'super') this.lines.push('D auth digest "super:secret"')
    while (this.lines.length < actions) this.group()
    return { text: this.lines.join('\n'), actions: this.lines.length - 1 }
  }

  private group(): void {
    const name = this.random.pick(CONNECTIONS)
    if (this.random.chance(0.06)) {
      this.alone(name)
      return
    }
    const size = this.isQuota || this.random.chance(0.4) ? 1 : 1 + this.random.below(8)
    const group = Array.from({ length: size }, () => this.action(name))
    group.forEach((text, index) => {
      this.lines.push(`${name}${index === group.length - 1 ? ' ' : '| '}${text}`)
    })
  }

  /** With hard quotas one write at a time: the original tests them against what is applied. */
  private get isQuota(): boolean {
    return this.profile === 'quota'
  }

  /* -------------------------------------------------------------- actions that stand alone */

  private alone(name: string): void {
    const random = this.random
    random.weighted([
      [3, () => this.auth(name)],
      [3, () => this.closeAndReconnect(name)],
      [2, () => this.dropAndReattach(name)],
      [2, () => this.takeOver(name)],
      [1, () => this.badFrame(name)],
      [1, () => this.lines.push('W connect session=12345 !close')],
      [1, () => this.lines.push(`W 4lw ${random.pick(['ruok', 'isro'])}`)],
      [1, () => this.lines.push('W connect zxid=last+1000')],
    ])()
  }

  private auth(name: string): void {
    this.lines.push(`${name} auth digest "${this.random.pick(['u1', 'u2', 'u3'])}:p"`)
  }

  private connect(name: string): void {
    this.generation.set(name, (this.generation.get(name) ?? 0) + 1)
    const readOnly = this.random.pick(['false', 'absent', 'true'])
    this.lines.push(`${name} connect timeout=60000 ro=${readOnly}`)
  }

  private closeAndReconnect(name: string): void {
    this.model.endSession(this.ownerOf(name))
    const before = this.random.chance(0.5) ? [this.action(name)] : []
    for (const text of before) this.lines.push(`${name}| ${text}`)
    this.lines.push(`${name} closeSession !close`)
    this.connect(name)
  }

  private dropAndReattach(name: string): void {
    this.lines.push(`${name} drop`)
    const renewal = this.random.chance(0.7) ? [`| ${this.setWatches()}`] : []
    this.lines.push(`${name}${renewal.length > 0 ? '|' : ''} connect session=${name} timeout=60000`)
    if (renewal.length > 0) this.lines.push(`${name} ${renewal[0]!.slice(2)}`)
  }

  private takeOver(name: string): void {
    this.lines.push(`W connect session=${name} timeout=60000`)
    this.lines.push(`W ${this.read('W')}`)
    this.lines.push(`${name} connect session=${name} timeout=60000`)
  }

  private badFrame(name: string): void {
    const frame = this.random.pick(['ffffffff', '00000000', '0fffffff', '00000004', '72756f6b'])
    const body = frame === '00000004' ? '00000001' : ''
    this.lines.push(`${name} send hex:${frame}${body} whole !close`)
    this.lines.push(`${name} connect session=${name} timeout=60000`)
  }

  /* -------------------------------------------------------------- ordinary actions */

  private action(name: string): string {
    return this.random.weighted<() => string>([
      [26, () => this.write(name, false)],
      [8, () => this.multi(name)],
      [24, () => this.read(name)],
      [3, () => this.multiRead()],
      [5, () => this.addWatch(name)],
      [4, () => this.watchLookup(name)],
      [4, () => this.setWatches()],
      [2, () => this.malformed()],
      [this.isQuota ? 8 : 1, () => this.quota()],
    ])()
  }

  private write(name: string, isInner: boolean): string {
    return this.random.weighted<() => string>([
      [this.isFull ? 2 : 12, () => this.create(name, isInner)],
      [this.isFull ? 12 : 6, () => this.delete()],
      [8, () => this.set()],
      [isInner ? 0 : 2, () => this.setAcl()],
      [isInner ? 4 : 0, () => this.check()],
    ])()
  }

  private get isFull(): boolean {
    return this.model.nodes.size > MAX_NODES
  }

  private create(name: string, isInner: boolean): string {
    const random = this.random
    const op = random.weighted([
      [5, 'create'],
      [5, 'create2'],
      [2, 'createContainer'],
      [2, 'createTTL'],
    ] as const)
    const flags = this.flagsFor(op, isInner)
    const path = random.chance(0.04) ? random.pick(BAD_PATHS) : this.newPath()
    const ephemeral = (op === 'create' || op === 'create2') && (flags === 1 || flags === 3)
    const isSequential = [2, 3, 6].includes(flags)
    if (!BAD_PATHS.includes(path)) {
      this.model.create(path, ephemeral ? this.ownerOf(name) : null, isSequential)
    }
    this.touch(path)
    return `${op} ${path} ${this.data()} flags=${flags}${this.acl()}`
  }

  /** Unknown flags inside a multi are a known difference of 3.9 in zxids: only at the top level. */
  private flagsFor(op: string, isInner: boolean): number {
    const random = this.random
    if (!isInner && random.chance(0.02)) return random.pick([-1, 7, 99])
    if (op === 'createTTL') return random.pick([5, 5, 6])
    if (op === 'createContainer') return random.pick([4, 4, 4, 0, 2])
    return random.weighted([
      [8, 0],
      [4, 1],
      [4, 2],
      [3, 3],
      [1, 4],
    ])
  }

  private delete(): string {
    const path = this.leaf()
    const version = this.versionOf(path)
    this.model.delete(path, version)
    this.touch(path)
    return `delete ${path}${version === -1 ? '' : ` v=${version}`}`
  }

  private set(): string {
    const path = this.path()
    const version = this.versionOf(path)
    this.model.set(path, version)
    this.touch(path)
    return `set ${path} ${this.data()}${version === -1 ? '' : ` v=${version}`}`
  }

  private setAcl(): string {
    const path = this.path()
    const aversion = this.model.nodes.get(path)?.aversion ?? 0
    const version = this.random.pick([-1, -1, aversion, aversion, 7])
    this.model.setAcl(path, version)
    // the root keeps its open ACL: see the rule root-acl-in-pipeline, and so much would fail behind it
    return `setACL ${path}${path === '/' ? '' : this.acl()} v=${version}`
  }

  private check(): string {
    const path = this.path()
    return `check ${path} v=${this.versionOf(path)}`
  }

  private multi(name: string): string {
    const size = this.isQuota ? 1 : this.random.pick([0, 1, 1, 2, 2, 3, 4, 6])
    const inner = Array.from({ length: size }, () => this.write(name, true))
    return `multi { ${inner.join(' ; ')} }`
  }

  private read(name: string): string {
    const path = this.path()
    const watches = this.random.chance(0.4)
    const watch = watches ? ' watch' : ''
    if (watches) this.remember(name, path)
    return this.random.weighted([
      [6, `get ${path}${watch}`],
      [6, `exists ${path}${watch}`],
      [4, `children ${path}${watch}`],
      [5, `children2 ${path}${watch}`],
      [2, `getACL ${path}`],
      [1, `allChildren ${path === '""' ? '/' : path}`],
      [1, `ephemerals ${this.random.pick(['/', path])}`],
      [1, 'whoAmI'],
      [1, `sync ${path}`],
      [1, 'ping'],
    ])
  }

  private multiRead(): string {
    const inner = Array.from({ length: this.random.below(4) }, () => {
      const op = this.random.pick(['get', 'children'])
      return `${op} ${this.path()}${this.random.chance(0.2) ? ' watch' : ''}`
    })
    return `multiRead { ${inner.join(' ; ')} }`
  }

  private addWatch(name: string): string {
    const path = this.path()
    this.remember(name, path)
    return `addWatch ${path} mode=${this.random.pick([0, 0, 1, 1, 1, 2])}`
  }

  private remember(name: string, path: string): void {
    const paths = this.watched.get(name) ?? []
    this.watched.set(name, [...paths.slice(-20), path])
  }

  private watchLookup(name: string): string {
    const op = this.random.pick(['checkWatches', 'removeWatches'])
    const paths = this.watched.get(name) ?? []
    const path = paths.length > 0 && this.random.chance(0.8) ? this.random.pick(paths) : this.path()
    return `${op} ${path} type=${this.random.pick([1, 2, 3, 3, 4, 5, 6])}`
  }

  private setWatches(): string {
    const random = this.random
    const rel = random.pick(['last', 'last', 'last-1', 'last-2', 'last-10', '0'])
    const list = (): string =>
      Array.from({ length: random.below(3) }, () => this.listPath()).join(',')
    const standard = `rel=${rel} data=${list()} exist=${list()} child=${list()}`
    if (random.chance(0.5)) return `setWatches ${standard}`
    return `setWatches2 ${standard} persistent=${list()} recursive=${list()}`
  }

  /** A malformed multi takes a zxid in 3.9 alone: not made here. */
  private malformed(): string {
    const action = this.random.pick([
      `create ${this.newPath()}`,
      `set ${this.path()} "x"`,
      `delete ${this.leaf()}`,
      `setACL ${this.path()}`,
      `get ${this.path()}`,
      `children2 ${this.path()}`,
      `addWatch ${this.path()}`,
      `setWatches rel=0 data=/a`,
    ])
    return `${action} cut=${1 + this.random.below(4)}`
  }

  private quota(): string {
    const random = this.random
    const of = random.pick(['/a', '/b', '/a/b'])
    const home = `/zookeeper/quota${of}`
    const limit = (): number => random.pick([-1, 1, 3, 10])
    const hard = this.isQuota ? `=;byteHardLimit=${limit()};countHardLimit=${limit()}` : ''
    const limits = `"count=${limit()},bytes=${limit()}${hard}"`
    return random.pick([
      `create ${home} "" flags=0`,
      `create ${home}/zookeeper_limits ${limits}`,
      `set ${home}/zookeeper_limits ${limits}`,
      `create ${home}/zookeeper_stats "count=0,bytes=0"`,
      `get ${home}/zookeeper_stats`,
      `get ${home}/zookeeper_stats watch`,
      `delete ${home}/zookeeper_${random.pick(['limits', 'stats'])}`,
    ])
  }

  /* -------------------------------------------------------------- parts of actions */

  private ownerOf(name: string): string {
    return `${name}${this.generation.get(name)}`
  }

  private existing(): string {
    return this.random.pick([...this.model.nodes.keys()])
  }

  private touch(path: string): void {
    if (!BAD_PATHS.includes(path)) this.recent = [...this.recent.slice(-5), path, parentOf(path)]
  }

  private leaf(): string {
    const paths = [...this.model.nodes].filter(([, node]) => node.children.size === 0)
    if (paths.length === 0 || this.random.chance(0.2)) return this.path()
    return this.random.pick(paths)[0]
  }

  private newPath(): string {
    let parent = this.existing()
    if (parent.split('/').length > MAX_DEPTH) parent = '/'
    return `${parent === '/' ? '' : parent}/${this.random.pick(NAMES)}`
  }

  private path(): string {
    return this.random.weighted<() => string>([
      [55, () => this.existing()],
      [20, () => this.random.pick(this.recent)],
      [18, () => this.newPath()],
      [3, () => '/'],
      [2, () => '/zookeeper/quota'],
      [2, () => this.random.pick(BAD_PATHS)],
    ])()
  }

  /** Paths inside lists are written without quotes. */
  private listPath(): string {
    const path = this.path()
    return path.includes('"') ? '/' : path
  }

  private versionOf(path: string): number {
    const version = this.model.nodes.get(path)?.version ?? 0
    return this.random.pick([-1, -1, -1, version, version, version + 1])
  }

  private data(): string {
    return this.random.weighted([
      [8, `"${this.random.below(1000)}"`],
      [1, 'null'],
      [2, '""'],
      [1, `fill:${this.random.below(3000)}:61`],
    ])
  }

  private acl(): string {
    const acl = this.random.weighted([
      [40, 'open'],
      [1, '1:world:anyone'],
      [1, '30:world:anyone'],
      [1, '23:world:anyone'],
      [1, '31:ip:127.0.0.1'],
      [1, '31:auth:'],
      [1, '31:digest:u1:nothing,1:world:anyone'],
      [0.3, '31:nothing:x'],
    ])
    return acl === 'open' ? '' : ` acl=${acl}`
  }
}
