import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Ensemble, ServerKind } from '../../../../../bench/servers/index.ts'
import { connect } from '../../../../../src/client-node/index.ts'
import { withEnsemble } from '../../../ensemble/support/index.ts'
import type { AskedProgram, SystemInstall } from '../../support/index.ts'
import { ROOT, SolrCloud } from './solr-cloud.ts'

export interface SolrWorld {
  readonly ensemble: Ensemble
  /** The ensemble, `host:port,…`. */
  readonly servers: string
  readonly solr: SolrCloud
  readonly client: AskedProgram
}

const CONFIG = path.join(import.meta.dirname, '../config')

/** Gives `use` three nodes of Solr on three servers of a kind, with the config set `small` uploaded. */
export async function withSolr(
  install: SystemInstall,
  kind: ServerKind,
  use: (world: SolrWorld) => Promise<void>,
): Promise<void> {
  const members = [{ kind }, { kind }, { kind }]
  await withEnsemble({ members, tickTime: 1000 }, async (ensemble) => {
    const servers = ensemble.ports.map((port) => `127.0.0.1:${port}`).join(',')
    await makeRoot(servers)
    const folder = mkdtempSync(path.join(tmpdir(), 'zabkeeper-solr-'))
    const solr = await SolrCloud.make(install, folder, servers, 3)
    const client = solr.client()
    try {
      await client.ask(`config small ${CONFIG}`)
      await solr.start()
      await use({ ensemble, servers, solr, client })
    } catch (error) {
      const reason = error instanceof Error ? error.stack : String(error)
      throw new Error(`${reason}\n${solr.output}`, { cause: error })
    } finally {
      client.kill()
      await solr.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

async function makeRoot(servers: string): Promise<void> {
  const client = await connect(servers)
  try {
    await client.create(ROOT)
  } finally {
    await client.close()
  }
}
