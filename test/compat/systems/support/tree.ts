import { type Acl, connect, NoNodeError, type Stat } from '../../../../src/client-node/index.ts'

export interface Znode {
  readonly path: string
  readonly data: string
  /** `scheme:id:perms`, in the stored order. */
  readonly acl: readonly string[]
  readonly stat: Stat
}

/** Every znode below and with `root` by its path, without `/zookeeper`; read as the super user of `withEnsemble`. */
export async function readTree(
  servers: string,
  root: string = '/',
): Promise<ReadonlyMap<string, Znode>> {
  const auth = [{ scheme: 'digest', credentials: 'super:secret' }]
  const client = await connect(servers, { auth })
  try {
    const found = new Map<string, Znode>()
    const visit = async (path: string): Promise<void> => {
      try {
        const [{ data, stat }, { acl }, { children }] = await Promise.all([
          client.getData(path),
          client.getAcl(path),
          client.getChildren(path),
        ])
        found.set(path, { path, data: String(data), acl: acl.map(aclText), stat })
        const below = children.toSorted().map((name) => `${path === '/' ? '' : path}/${name}`)
        for (const child of below) if (child !== '/zookeeper') await visit(child)
      } catch (error) {
        // It went away in between.
        if (!(error instanceof NoNodeError)) throw error
      }
    }
    await visit(root)
    return found
  } finally {
    await client.close()
  }
}

function aclText({ scheme, id, perms }: Acl): string {
  return `${scheme}:${id}:${perms}`
}
