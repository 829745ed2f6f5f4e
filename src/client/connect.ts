import { ZooKeeper } from './client.ts'
import { parseConnectionString } from './connection-string.ts'
import { ClientCore } from './core.ts'
import { Driver } from './driver.ts'
import type { ClientEnvironment } from './environment.ts'
import { type ClientOptions, settle } from './options.ts'
import { Chroot } from './paths.ts'
import { ServerList } from './server-list.ts'

/**
 * Connects and resolves once a server has granted a session and accepted the credentials of `options.auth`. When it
 * rejects, nothing is left behind.
 * @param connectionString `host:port,host:port/chroot`
 */
export async function connectIn(
  env: ClientEnvironment,
  connectionString: string,
  options: ClientOptions = {},
  signal?: AbortSignal,
): Promise<ZooKeeper> {
  const settings = settle(options)
  const { servers, chroot } = parseConnectionString(connectionString)
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
