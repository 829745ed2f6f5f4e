import { formatHex } from '../../base/index.ts'
import { OwnerKind, ownerKind } from '../../znodes/index.ts'
import type { LoadedState } from '../load-state.ts'
import { count, number, size, table } from '../text.ts'
import type { Difference } from './compare.ts'
import { reportTree, type TreeReport } from './tree-report.ts'

/** A state and what it is made of. */
export interface StateReport {
  readonly loaded: LoadedState
  readonly tree: TreeReport
}

const KINDS = {
  [OwnerKind.none]: 'none',
  [OwnerKind.ephemeral]: 'ephemeral',
  [OwnerKind.container]: 'container',
  [OwnerKind.ttl]: 'ttl',
} as const

export function reportState(loaded: LoadedState, depth: number, top: number): StateReport {
  const kindOf = (owner: bigint): (typeof KINDS)[OwnerKind] => KINDS[ownerKind(owner, true)]
  return { loaded, tree: reportTree(loaded.state.tree.znodes(), { depth, top, kindOf }) }
}

export function stateText({ loaded, tree }: StateReport): string {
  const { source, state, baseZxid, remarks } = loaded
  const zxid = state.lastApplied
  const from =
    baseZxid === zxid ? '' : ` (the state of ${formatHex(baseZxid)} and the log after it)`
  const lines = [
    source,
    `  zxid      ${formatHex(zxid)}${from}`,
    `  znodes    ${number(tree.znodes)}: ${count(tree.ephemerals, 'ephemeral')}, ${count(tree.containers, 'container')}, ${tree.ttls} with a TTL`,
    `  bytes     ${size(tree.dataBytes)} of data, ${size(tree.pathBytes)} of paths`,
    `  sessions  ${number(state.sessions.size)}`,
    `  acls      ${number(tree.acls)} different ones; ${count(tree.restricted, 'znode')} not open to everybody`,
    `  depth     ${tree.depths.map((znodes, depth) => `${depth}: ${number(znodes ?? 0)}`).join(', ')}`,
    ...section('subtrees', tree.subtrees.map(subtreeRow)),
    ...section(
      'biggest values',
      tree.biggest.map(({ path, bytes }) => [size(bytes), path]),
    ),
    ...section(
      'most children',
      tree.widest.map(({ path, children }) => [number(children), path]),
    ),
    ...section(
      'sessions with most ephemerals',
      tree.owners.map(({ session, ephemerals }) => [number(ephemerals), formatHex(session)]),
    ),
    ...section(
      'quotas',
      tree.quotas.map(({ path, limits, stats }) => [
        path,
        `limits ${limits}`,
        `used ${stats ?? '?'}`,
      ]),
    ),
  ]
  for (const remark of remarks) lines.push(`  NOTE      ${remark}`)
  return `${lines.join('\n')}\n`
}

export function stateJson({ loaded, tree }: StateReport): string {
  const { source, state, baseZxid, remarks } = loaded
  const json = {
    source,
    zxid: formatHex(state.lastApplied),
    baseZxid: formatHex(baseZxid),
    sessions: state.sessions.size,
    digest: formatHex(state.tree.digest()),
    ...tree,
    owners: tree.owners.map(({ session, ephemerals }) => ({
      session: formatHex(session),
      ephemerals,
    })),
    remarks,
  }
  return `${JSON.stringify(json)}\n`
}

function subtreeRow({ path, znodes, dataBytes }: TreeReport['subtrees'][number]): string[] {
  return [size(dataBytes), count(znodes, 'znode'), path]
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [`${title}:`, table(rows, '  ')]
}

export function differencesText(
  left: LoadedState,
  right: LoadedState,
  differences: readonly Difference[],
  max: number,
): string {
  const zxids = `zxid ${formatHex(left.state.lastApplied)} and ${formatHex(right.state.lastApplied)}`
  const lines = [
    `left   ${left.source}: ${count(left.state.tree.znodeCount, 'znode')}`,
    `right  ${right.source}: ${count(right.state.tree.znodeCount, 'znode')}`,
    zxids,
  ]
  const rows = differences
    .slice(0, max)
    .map(({ path, kind, leftBytes, rightBytes }) => [
      kind,
      `${leftBytes ?? '-'} / ${rightBytes ?? '-'}`,
      path,
    ])
  if (rows.length === 0) lines.push('no znode differs')
  else
    lines.push(
      `${count(differences.length, 'znode')} differ (bytes left / right):`,
      table(rows, '  '),
    )
  if (differences.length > max) lines.push(`  and ${number(differences.length - max)} more (--max)`)
  return `${lines.join('\n')}\n`
}
