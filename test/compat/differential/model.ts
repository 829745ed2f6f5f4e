/**
 * What the generator believes of the tree: enough to make most actions hit something. It knows nothing of ACLs and
 * quotas and may be wrong; whether an action succeeds is for the servers to say.
 */
export interface ModelNode {
  readonly owner: string | null
  version: number
  aversion: number
  creates: number
  readonly children: Set<string>
}

export class Model {
  readonly nodes: Map<string, ModelNode> = new Map([['/', newNode(null)]])

  has(path: string): boolean {
    return this.nodes.has(path)
  }

  /** `sequential` adds the suffix the server will probably choose. Returns the path of the new node, if any. */
  create(path: string, owner: string | null, sequential: boolean): string | undefined {
    const parentPath = parentOf(path)
    const parent = this.nodes.get(parentPath)
    if (parent === undefined || parent.owner !== null) return undefined
    const name = sequential ? path + String(parent.creates).padStart(10, '0') : path
    if (this.nodes.has(name) || name.endsWith('/')) return undefined
    parent.creates += 1
    parent.children.add(name)
    this.nodes.set(name, newNode(owner))
    return name
  }

  delete(path: string, version: number): void {
    const node = this.nodes.get(path)
    if (node === undefined || path === '/' || node.children.size > 0) return
    if (version !== -1 && version !== node.version) return
    this.remove(path)
  }

  set(path: string, version: number): void {
    const node = this.nodes.get(path)
    if (node !== undefined && (version === -1 || version === node.version)) node.version += 1
  }

  setAcl(path: string, version: number): void {
    const node = this.nodes.get(path)
    if (node !== undefined && (version === -1 || version === node.aversion)) node.aversion += 1
  }

  endSession(owner: string): void {
    for (const [path, node] of this.nodes) if (node.owner === owner) this.remove(path)
  }

  private remove(path: string): void {
    this.nodes.delete(path)
    this.nodes.get(parentOf(path))?.children.delete(path)
  }
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

function newNode(owner: string | null): ModelNode {
  return { owner, version: 0, aversion: 0, creates: 0, children: new Set() }
}
