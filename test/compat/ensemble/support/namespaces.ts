import { execFileSync } from 'node:child_process'

/** Second byte of every address: 10.SUBNET.x.y, away from what machines and container networks usually have. */
const SUBNET = 213
const OWN = 254
let networks = 0

/**
 * A network of the kernel's: each server in a namespace of its own, all on one bridge, on which the test itself is too.
 * What one server sends to another can be dropped without either of them being told.
 */
export class NamespacedNetwork {
  readonly #name: string
  readonly #net: string
  readonly #count: number

  private constructor(name: string, net: string, count: number) {
    this.#name = name
    this.#net = net
    this.#count = count
  }

  /** Whether this machine lets us make one: `ip` is there, and we are root. */
  static isPossible(): boolean {
    const probe = `zkprobe${process.pid}`
    try {
      ip('link', 'add', probe, 'type', 'bridge')
      ip('link', 'del', probe)
      ip('netns', 'add', probe)
      ip('netns', 'del', probe)
      return true
    } catch {
      return false
    }
  }

  static make(count: number): NamespacedNetwork {
    const index = networks++
    // Names of interfaces have at most 15 letters.
    const name = `zk${process.pid}${String.fromCharCode(97 + index)}`
    const net = `10.${SUBNET}.${((process.pid % 25) * 10 + index) % 250}`
    const network = new NamespacedNetwork(name, net, count)
    try {
      network.#build()
    } catch (error) {
      network.remove()
      throw error
    }
    return network
  }

  hostOf(id: number): string {
    return `${this.#net}.${id}`
  }

  /** Put before a command, it runs as this server. */
  wrapperOf(id: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespaceOf(id)]
  }

  /** Drops what `from` sends to `to`; the other direction stays. */
  block(from: number, to: number): void {
    ip('-n', this.#namespaceOf(from), 'route', 'replace', 'blackhole', `${this.hostOf(to)}/32`)
  }

  /** Drops what goes between servers of different groups, in both directions. */
  partition(...groups: readonly (readonly number[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue
        for (const from of group) for (const to of other) this.block(from, to)
      }
    }
  }

  /** Leaves just these pairs connected. */
  keepOnly(pairs: readonly (readonly [number, number])[]): void {
    for (const from of this.#ids()) {
      for (const to of this.#ids()) {
        if (from === to) continue
        const isKept = pairs.some(([a, b]) => (a === from && b === to) || (a === to && b === from))
        if (!isKept) this.block(from, to)
      }
    }
  }

  heal(): void {
    for (const id of this.#ids()) {
      ip('-n', this.#namespaceOf(id), 'route', 'flush', 'type', 'blackhole')
    }
  }

  remove(): void {
    for (const id of this.#ids()) {
      quietly('netns', 'del', this.#namespaceOf(id))
      // The kernel keeps a namespace, and this end with it, until its last connection has timed out.
      quietly('link', 'del', this.#outerOf(id))
    }
    quietly('link', 'del', this.#name)
  }

  #build(): void {
    ip('link', 'add', this.#name, 'type', 'bridge')
    ip('addr', 'add', `${this.hostOf(OWN)}/24`, 'dev', this.#name)
    ip('link', 'set', this.#name, 'up')
    for (const id of this.#ids()) {
      const namespace = this.#namespaceOf(id)
      const outer = this.#outerOf(id)
      ip('netns', 'add', namespace)
      ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      ip('link', 'set', outer, 'master', this.#name, 'up')
      ip('-n', namespace, 'addr', 'add', `${this.hostOf(id)}/24`, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
    }
  }

  #ids(): readonly number[] {
    return Array.from({ length: this.#count }, (_, i) => i + 1)
  }

  #outerOf(id: number): string {
    return `${this.#name}${id}`
  }

  #namespaceOf(id: number): string {
    return `${this.#name}-${id}`
  }
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Taking away what may be only half there. */
function quietly(...words: readonly string[]): void {
  try {
    ip(...words)
  } catch {
    // It was not made.
  }
}
