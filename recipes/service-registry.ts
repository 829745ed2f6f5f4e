import {
  type Acl,
  InvalidArgumentError,
  join,
  NodeExistsError,
  NoNodeError,
  nameOf,
  parentOf,
  type ZooKeeper,
} from '../src/client/index.ts'
import { type Cancellation, cancellable, persist, type WaitOptions } from './base/index.ts'
import { ChildrenCache, type ChildrenCacheOptions } from './children-cache.ts'
import { PersistentNode } from './persistent-node.ts'

/** `DYNAMIC`: goes with the session of who registered it. The others stay until they are taken away. */
export type ServiceType = 'DYNAMIC' | 'PERMANENT' | 'STATIC'

/** A part of a URI: a text, or the name of what takes its place, e.g. `address`. */
export interface UriPart {
  readonly value: string
  readonly variable: boolean
}

/** One instance of a service: Curator's ServiceInstance as its JSON has it. */
export interface ServiceInstance {
  readonly name: string
  readonly id: string
  readonly address: string | null
  readonly port: number | null
  readonly sslPort: number | null
  /** Any JSON value. Curator puts the class of an object into its `@class`. */
  readonly payload: unknown
  /** Unix milliseconds. */
  readonly registrationTimeUTC: number
  /** Curator also has `DYNAMIC_SEQUENTIAL`, and may have more. */
  readonly serviceType: string
  readonly uriSpec: { readonly parts: readonly UriPart[] } | null
  /** False: it is there and wants no requests. */
  readonly enabled: boolean
}

/** What is registered. `name`, `id` and the time are needed, everything else has a default. */
export type NewService = Pick<ServiceInstance, 'id' | 'name' | 'registrationTimeUTC'> &
  Partial<Omit<ServiceInstance, 'serviceType'>> & { readonly serviceType?: ServiceType }

export interface RegisterOptions extends WaitOptions {
  readonly acl?: readonly Acl[]
}

/**
 * Services and the addresses of their instances.
 *
 * - **Znodes**: `B/NAME/ID` with the instance as JSON: `name`, `id`, `address`, `port`, `sslPort`, `payload`,
 *   `registrationTimeUTC`, `serviceType`, `uriSpec`, `enabled`. Ephemeral for `DYNAMIC`. Parents are containers.
 * - **Guarantees**: a dynamic instance is registered while its client has a session and comes back with the next one
 *   (see `PersistentNode`). A view follows what the server has (see `ChildrenCache`). Instances that cannot be read as
 *   JSON are passed over.
 * - **Failures**: lost connections and sessions are waited out. A view keeps what it knew: better an old address than
 *   none.
 * - **Upstream**: Curator's service discovery (curator-x-discovery) with its JsonInstanceSerializer.
 */
export class ServiceRegistry {
  readonly path: string
  readonly #zk: ZooKeeper

  /** Does nothing yet. */
  constructor(zk: ZooKeeper, path: string) {
    this.#zk = zk
    this.path = path
  }

  /** Resolves once the instance is registered. One of the same id that is static is replaced. */
  async register(service: NewService, options: RegisterOptions = {}): Promise<Registration> {
    const instance = complete(this.path, service)
    const path = this.#pathOf(instance.name, instance.id)
    if (instance.serviceType === 'DYNAMIC') {
      const node = await PersistentNode.open(this.#zk, path, encode(instance), options)
      return new DynamicRegistration(instance, node)
    }
    await cancellable(this.#zk, 'register', path, options, (cancellation) =>
      put(this.#zk, path, instance, options, cancellation),
    )
    return new StaticRegistration(this.#zk, path, instance, options)
  }

  /** Names of services that have or had an instance, in no particular order. */
  async names(options: WaitOptions = {}): Promise<readonly string[]> {
    return await this.#children('names', this.path, options)
  }

  /** In no particular order. */
  async instances(name: string, options: WaitOptions = {}): Promise<readonly ServiceInstance[]> {
    const ids = await this.#children('instances', this.#pathOf(name), options)
    const found = await Promise.all(ids.map((id) => this.instance(name, id, options)))
    return found.filter((instance) => instance !== null)
  }

  /** Null when it is not registered. */
  async instance(
    name: string,
    id: string,
    options: WaitOptions = {},
  ): Promise<ServiceInstance | null> {
    const path = this.#pathOf(name, id)
    return await cancellable(this.#zk, 'instance', path, options, async (cancellation) => {
      const { signal } = cancellation
      try {
        const { data } = await persist(cancellation, () => this.#zk.getData(path, { signal }))
        return decode(data)
      } catch (error) {
        if (error instanceof NoNodeError) return null
        throw error
      }
    })
  }

  /** Follows the instances of one service; they need not be there yet. */
  async watch(name: string, options: ChildrenCacheOptions = {}): Promise<ServiceView> {
    return new ServiceView(name, await ChildrenCache.open(this.#zk, this.#pathOf(name), options))
  }

  async #children(op: string, path: string, options: WaitOptions): Promise<readonly string[]> {
    return await cancellable(this.#zk, op, path, options, async (cancellation) => {
      const { signal } = cancellation
      try {
        const found = await persist(cancellation, () => this.#zk.getChildren(path, { signal }))
        return found.children
      } catch (error) {
        if (error instanceof NoNodeError) return []
        throw error
      }
    })
  }

  #pathOf(...names: readonly string[]): string {
    return names.reduce((path, name) => {
      checkName(this.path, name)
      return join(path, name)
    }, this.path)
  }
}

/** An instance that is registered through this client. */
export interface Registration extends AsyncDisposable {
  readonly instance: ServiceInstance
  /** Registers it with other properties; name, id and type stay. */
  update(
    change: Partial<Omit<ServiceInstance, 'id' | 'name' | 'serviceType'>>,
    options?: WaitOptions,
  ): Promise<void>
  /** Takes it away. A dynamic one is then gone, or its session is over. */
  unregister(options?: WaitOptions): Promise<void>
}

class DynamicRegistration implements Registration {
  instance: ServiceInstance
  readonly #node: PersistentNode

  constructor(instance: ServiceInstance, node: PersistentNode) {
    this.instance = instance
    this.#node = node
  }

  async update(change: Partial<ServiceInstance>, options: WaitOptions = {}): Promise<void> {
    this.instance = { ...this.instance, ...change }
    await this.#node.setData(encode(this.instance), options)
  }

  async unregister(): Promise<void> {
    await this.#node.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unregister()
  }
}

class StaticRegistration implements Registration {
  instance: ServiceInstance
  readonly #zk: ZooKeeper
  readonly #path: string
  readonly #options: RegisterOptions

  constructor(zk: ZooKeeper, path: string, instance: ServiceInstance, options: RegisterOptions) {
    this.#zk = zk
    this.#path = path
    this.instance = instance
    this.#options = options
  }

  async update(change: Partial<ServiceInstance>, options: WaitOptions = {}): Promise<void> {
    this.instance = { ...this.instance, ...change }
    await cancellable(this.#zk, 'update', this.#path, options, (cancellation) =>
      put(this.#zk, this.#path, this.instance, this.#options, cancellation),
    )
  }

  async unregister(options: WaitOptions = {}): Promise<void> {
    await cancellable(this.#zk, 'unregister', this.#path, options, async (cancellation) => {
      const { signal } = cancellation
      const remove = (): Promise<void> => this.#zk.delete(this.#path, -1, { signal })
      await passOverMissing(persist(cancellation, remove, 'idempotent'))
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unregister()
  }
}

/** The instances of one service as they are now: an async iterable of them, after every change. */
export class ServiceView implements AsyncDisposable, AsyncIterable<readonly ServiceInstance[]> {
  readonly name: string
  readonly #cache: ChildrenCache

  constructor(name: string, cache: ChildrenCache) {
    this.name = name
    this.#cache = cache
  }

  /** False from a broken connection on until they have been looked at again. */
  get isCurrent(): boolean {
    return this.#cache.isCurrent
  }

  /** In the order of their ids, also those that are not enabled. */
  get instances(): readonly ServiceInstance[] {
    return [...this.#cache.children.values()]
      .map(({ data }) => decode(data))
      .filter((instance) => instance !== null)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** One of those that are enabled; null when there is none. */
  pick(strategy: Strategy): ServiceInstance | null {
    return strategy(this.instances.filter(({ enabled }) => enabled))
  }

  async *[Symbol.asyncIterator](): AsyncIterableIterator<readonly ServiceInstance[]> {
    const changes = this.#cache.changes()
    try {
      yield this.instances
      for await (const { type } of changes) if (type !== 'stale') yield this.instances
    } finally {
      await changes.return()
    }
  }

  /** Never rejects. */
  close(): Promise<void> {
    return this.#cache.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/* -------------------------------------------------------------------- which one to ask */

/** Chooses one of the instances; null when there is none. Has a state of its own: one for each use. */
export type Strategy = (instances: readonly ServiceInstance[]) => ServiceInstance | null

/** One after the other. */
export function roundRobin(): Strategy {
  let next = 0
  return (instances) => {
    if (instances.length === 0) return null
    const instance = instances[next % instances.length]!
    next = (next + 1) % Number.MAX_SAFE_INTEGER
    return instance
  }
}

/** Any. @param zk whose chance decides */
export function random(zk: ZooKeeper): Strategy {
  return (instances) => {
    const index = Math.floor((zk.environment.random.uint32() / 2 ** 32) * instances.length)
    return instances[index] ?? null
  }
}

/** The same as long as it is there; then another one, chosen by `first`. */
export function sticky(first: Strategy): Strategy {
  let chosen: string | null = null
  return (instances) => {
    const instance = instances.find(({ id }) => id === chosen) ?? first(instances)
    chosen = instance?.id ?? null
    return instance
  }
}

/* -------------------------------------------------------------------- JSON */

/** The URI that `uriSpec` describes; empty without one. `variables` come before those of the instance. */
export function buildUri(
  instance: ServiceInstance,
  variables: ReadonlyMap<string, string> = new Map(),
): string {
  const values = new Map<string, string | number | null>([
    ['[', '{'],
    [']', '}'],
    ['scheme', instance.sslPort === null ? 'http' : 'https'],
    ['name', instance.name],
    ['id', instance.id],
    ['address', instance.address],
    ['port', instance.port],
    ['ssl-port', instance.sslPort],
    ['registration-time-utc', instance.registrationTimeUTC],
    ['service-type', instance.serviceType.toLowerCase()],
    ...variables,
  ])
  const parts = instance.uriSpec?.parts ?? []
  return parts.map(({ value, variable }) => (variable ? (values.get(value) ?? '') : value)).join('')
}

function complete(base: string, service: NewService): ServiceInstance {
  checkName(base, service.name)
  checkName(base, service.id)
  const { name, id, address = null, port = null, sslPort = null, payload = null } = service
  const { registrationTimeUTC, serviceType = 'DYNAMIC', uriSpec = null, enabled = true } = service
  const where = { name, id, address, port, sslPort, payload }
  return { ...where, registrationTimeUTC, serviceType, uriSpec, enabled }
}

function encode(instance: ServiceInstance): string {
  return JSON.stringify(instance)
}

/** Null for what is no instance. */
function decode(data: Uint8Array): ServiceInstance | null {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(data))
  } catch {
    return null
  }
  if (typeof json !== 'object' || json === null) return null
  const found = json as Partial<ServiceInstance>
  if (typeof found.name !== 'string' || typeof found.id !== 'string') return null
  return {
    name: found.name,
    id: found.id,
    address: typeof found.address === 'string' ? found.address : null,
    port: typeof found.port === 'number' ? found.port : null,
    sslPort: typeof found.sslPort === 'number' ? found.sslPort : null,
    payload: found.payload ?? null,
    registrationTimeUTC: Number(found.registrationTimeUTC ?? 0),
    serviceType: typeof found.serviceType === 'string' ? found.serviceType : 'DYNAMIC',
    uriSpec: Array.isArray(found.uriSpec?.parts) ? { parts: found.uriSpec.parts } : null,
    // Those of Curator before 4.1 do not say.
    enabled: found.enabled !== false,
  }
}

async function put(
  zk: ZooKeeper,
  path: string,
  instance: ServiceInstance,
  { acl }: RegisterOptions,
  cancellation: Cancellation,
): Promise<void> {
  const options = { signal: cancellation.signal, ...(acl && { acl }) }
  const attempt = async (): Promise<boolean> => {
    try {
      await zk.create(path, encode(instance), options)
      return true
    } catch (error) {
      if (error instanceof NodeExistsError) return await replace(zk, path, instance, options)
      if (!(error instanceof NoNodeError)) throw error
      await passOverMissing(zk.ensurePath(parentOf(path), { ...options, mode: 'container' }))
      return false
    }
  }
  // What one step has found may be otherwise at the next: instances and empty containers come and go.
  while (!(await persist(cancellation, attempt, 'idempotent'))) cancellation.check()
}

/** False when it is not there any more. */
async function replace(
  zk: ZooKeeper,
  path: string,
  instance: ServiceInstance,
  options: { readonly signal: AbortSignal },
): Promise<boolean> {
  const stat = await zk.exists(path, options)
  if (stat !== null && stat.ephemeralOwner !== 0n) {
    const message = `${path}: an instance of the id ${nameOf(path)} is registered as a dynamic one`
    throw new NodeExistsError('NODE_EXISTS', message, { op: 'register', path })
  }
  return await passOverMissing(zk.setData(path, encode(instance), -1, options))
}

/** False when what it is about, or something above it, is missing. */
async function passOverMissing(writing: Promise<unknown>): Promise<boolean> {
  try {
    await writing
    return true
  } catch (error) {
    if (error instanceof NoNodeError) return false
    throw error
  }
}

function checkName(path: string, name: string): void {
  if (name !== '' && !name.includes('/')) return
  const message = `registry ${path}: ${JSON.stringify(name)} is no name of a znode`
  throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op: 'register', path })
}
