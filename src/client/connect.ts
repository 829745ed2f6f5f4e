import { ZooKeeper } from './client.ts'
import { parseConnectionString } from './connection-string.ts'
import { ClientCore } from './core.ts'
import { Driver } from './driver.ts'
import type { ClientEnvironment } from './environment.ts'
import { InvalidArgumentError } from './errors.ts'
import { type ClientOptions, settle } from './options.ts'
import { Chroot } from './paths.ts'
import { ServerList } from './server-list.ts'

/**
 * Connects and resolves once a server has granted a session and accepted the credentials of `options.auth`. When it
 * rejects, nothing is left behind.
 * @param connectionString `host:port,host:port/chroot` or `srv:_zookeeper._tcp.example.org/chroot`
 */
export async function connectIn(
  env: ClientEnvironment,
  connectionString: string,
  options: ClientOptions = {},
  signal?: AbortSignal,
): Promise<ZooKeeper> {
  const settings = settle(options)
  const { servers, chroot } = parseConnectionString(connectionString)
  if (typeof servers === 'string' && env.resolveSrv === undefined) {
    const message = 'there is nothing to look up SRV records with: resolveSrv is missing'
    throw new InvalidArgumentError('INVALID_ARGUMENT', message, { op: 'connect' })
  }
  const list = new ServerList(servers, env.random, settings.retryDelayMsMax)
  const core = new ClientCore(settings, list, env.clock)
  const driver = new Driver(env, core, settings.replyBytesMax)
  const nowMs = driver.nowMs
  const call = core.start(nowMs + settings.connectTimeoutMs, nowMs)
  const started = driver.result(call, signal)
  driver.after()
  await started
  return new ZooKeeper(core, driver, new Chroot(chroot), settings)
}
