/** Compiled, never run: what the compiler must accept, and after each `@ts-expect-error` what it must not. */
import {
  type ClientMetrics,
  type ConnectOptions,
  type CreatedInTransaction,
  connect,
  digestMd5,
  isZkError,
  type OneShotWatch,
  type ReadData,
  type SaslMechanism,
  type Session,
  type Stat,
  TransactionError,
  type WatchEvent,
  type WatchEventType,
  ZkError,
  type ZkErrorCode,
  type ZooKeeper,
} from '../../src/client-node/index.ts'
import { exactly } from './exactly.ts'

export async function connecting(): Promise<void> {
  exactly<ZooKeeper>()(await connect('localhost'))
  await connect('localhost', { tls: true, sasl: digestMd5({ username: 'u', password: 'p' }) })
  await connect('localhost', { tls: () => ({ ca: 'pem', minVersion: 'TLSv1.3' }) })
  // @ts-expect-error the string comes first
  await connect({ servers: 'localhost' })
  // @ts-expect-error sessionTimeoutMs is its name
  await connect('localhost', { sessionTimeout: 1000 })
  // @ts-expect-error undefined is not the same as nothing
  await connect('localhost', { sessionTimeoutMs: undefined })
  // @ts-expect-error the socket is the client's
  await connect('localhost', { tls: { port: 1 } })
  // @ts-expect-error an object for each
  await connect('localhost', { auth: ['digest:u:p'] })
  // @ts-expect-error a mechanism has begin
  exactly<SaslMechanism>()({ name: 'PLAIN' })
  // @ts-expect-error the password is missing
  digestMd5({ username: 'u' })
}

export async function calling(zk: ZooKeeper, signal: AbortSignal): Promise<void> {
  exactly<Stat | null>()(await zk.exists('/a'))
  exactly<ReadData>()(await zk.getData('/a'))
  const { watch } = await zk.getData('/a', { watch: true, signal, timeoutMs: 5 })
  exactly<OneShotWatch>()(watch)
  const found = await zk.exists('/a', { watch: true })
  exactly<Stat | null>()(found.stat)
  exactly<readonly string[]>()((await zk.getChildren('/a')).children)
  exactly<Session | null>()(zk.session)
  exactly<bigint>()((await zk.setData('/a', new Uint8Array(1), 3)).mzxid)
  await zk.create('/a', 'x', { mode: 'ephemeral-sequential', session: zk.session! })
  // @ts-expect-error without `watch` there is none
  await zk.getData('/a').then((read) => read.watch)
  // @ts-expect-error there is no such mode
  await zk.create('/a', 'x', { mode: 'EPHEMERAL' })
  // @ts-expect-error data are bytes or text
  await zk.setData('/a', { json: true })
  // @ts-expect-error a version is a number
  await zk.delete('/a', 1n)
  // @ts-expect-error there is no such kind
  await zk.removeWatches('/a', 'any')
  // @ts-expect-error the client is made by connect
  zk.state = 'closed'
}

export async function transactions(zk: ZooKeeper): Promise<void> {
  const results = await zk
    .transaction()
    .create('/a')
    .setData('/a', 'x')
    .check('/a', 1)
    .delete('/a')
    .commit()
  exactly<readonly [CreatedInTransaction, Stat, null, null]>()(results)
  exactly<readonly []>()(await zk.transaction().commit())
  // @ts-expect-error there are four
  results[4]
  const [data, children] = await zk.multiRead().getData('/a').getChildren('/a').run()
  if (data.ok) exactly<Uint8Array>()(data.value.data)
  else exactly<ZkError>()(data.error)
  // @ts-expect-error not before `ok` was looked at
  children.value
}

export async function watching(zk: ZooKeeper): Promise<void> {
  for await (const event of await zk.watch('/a', { recursive: true })) {
    exactly<WatchEvent>()(event)
    exactly<WatchEventType>()(event.type)
    // @ts-expect-error there is no such type
    if (event.type === 'NodeCreated') return
  }
  await using lasting = await zk.watch('/a')
  exactly<string>()(lasting.path)
}

export function failures(error: unknown): string {
  if (error instanceof TransactionError) {
    exactly<number>()(error.index)
    exactly<ZkError>()(error.cause)
    exactly<'TRANSACTION_FAILED'>()(error.code)
  }
  if (!(error instanceof ZkError)) return ''
  exactly<ZkErrorCode>()(error.code)
  exactly<'applied' | 'not-applied' | 'unknown'>()(error.outcome)
  // @ts-expect-error there is no such code
  if (error.code === 'NONODE') return ''
  switch (error.code) {
    case 'NO_NODE':
      return exactly<'NO_NODE'>()(error.code)
    default:
      // @ts-expect-error it was taken out above
      return error.code === 'NO_NODE' ? '' : error.code
  }
}

export function codes(error: unknown): void {
  if (!isZkError(error)) return
  // @ts-expect-error only some have it
  exactly<number>()(error.index)
  if (error.code === 'TRANSACTION_FAILED') exactly<number>()(error.index)
  if (error.code === 'UNIMPLEMENTED') exactly<number>()(error.serverCode)
}

export const options: ConnectOptions = {
  clock: { monotonicMs: () => 0 },
  random: { uint32: () => 4 },
}

export const metrics: ClientMetrics = {
  count: (name, labels) => {
    // @ts-expect-error there is no such counter
    if (name === 'requests_total') return
    exactly<string | undefined>()(labels['op'])
  },
  observe: (name, value) => {
    exactly<'request_ms'>()(name)
    exactly<number>()(value)
  },
}
