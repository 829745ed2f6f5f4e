import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Ensemble, ServerKind } from '../../../../../bench/servers/index.ts'
import { withEnsemble } from '../../../ensemble/support/index.ts'
import type { SystemInstall } from '../../support/index.ts'
import type { HBaseClient } from './hbase-client.ts'
import { HBaseCluster, type HBaseOptions } from './hbase-cluster.ts'

export interface HBaseWorld {
  readonly ensemble: Ensemble
  /** The ensemble, `host:port,…`. */
  readonly servers: string
  readonly hbase: HBaseCluster
  readonly client: HBaseClient
  /** Another cluster on the same ensemble, not started yet. */
  another(options: Pick<HBaseOptions, 'masters' | 'regionServers' | 'znode'>): Promise<HBaseCluster>
}

/** Gives `use` an HBase with two masters and two region servers on three servers of a kind. */
export async function withHBase(
  install: SystemInstall,
  kind: ServerKind,
  use: (world: HBaseWorld) => Promise<void>,
): Promise<void> {
  const members = [{ kind }, { kind }, { kind }]
  await withEnsemble({ members, tickTime: 1000 }, async (ensemble) => {
    const servers = ensemble.ports.map((port) => `127.0.0.1:${port}`).join(',')
    const folders: string[] = []
    const clusters: HBaseCluster[] = []
    const another: HBaseWorld['another'] = async (options) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-hbase-'))
      folders.push(folder)
      const cluster = await HBaseCluster.make({ install, folder, servers, ...options })
      clusters.push(cluster)
      return cluster
    }
    let client: HBaseClient | null = null
    try {
      const hbase = await another({ masters: 2, regionServers: 2 })
      await hbase.start()
      client = hbase.client()
      await hbase.settled(client)
      await use({ ensemble, servers, hbase, client, another })
    } catch (error) {
      const reason = error instanceof Error ? error.stack : String(error)
      const outputs = clusters.map(({ output }) => output)
      throw new Error([reason, ...outputs].join('\n'), { cause: error })
    } finally {
      client?.kill()
      for (const cluster of clusters) await cluster.kill()
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    }
  })
}
