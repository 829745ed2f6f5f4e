import { formatHex, makeZxid } from '../base/index.ts'
import { decodeTxnEntry } from '../wire/index.ts'
import { megabytes } from './backup.ts'
import type { RescuePlan } from './rescue-plan.ts'
import type { RescueTarget } from './rescue-target.ts'
import { formatSurvivor } from './survivors.ts'

/** When the last transaction of the log was made, Unix time in ms; null when the log does not hold it any more. */
export function lastWriteMs({ facts }: RescuePlan): number | null {
  const { lastEntry } = facts
  if (lastEntry === null) return null
  return Number(decodeTxnEntry(lastEntry.txn, 0, lastEntry.txn.length).header.time)
}

/** What is known, what would be lost, and what would be done, in the lines that an operator reads before he decides. */
export function describePlan(target: RescueTarget, plan: RescuePlan, nowMs: number): string {
  const isDone = plan.raise === null && plan.config === null
  const lines = [
    ...describeServer(target, plan, nowMs),
    ...(isDone ? [] : [...describeOthers(plan), ...describeLoss(plan), ...describeSteps(plan)]),
  ]
  return `${lines.join('\n')}\n`
}

function describeServer(
  { config, dataDir, dataLogDir, id }: RescueTarget,
  plan: RescuePlan,
  nowMs: number,
): string[] {
  const { own, facts } = plan
  const torn =
    facts.tornBytes === 0
      ? []
      : [`an unfinished write of ${facts.tornBytes} bytes at its end is cut off`]
  return [
    `server ${id}${config === null ? '' : ` of ${config.file}`}`,
    `  data       ${dataDir}${dataLogDir === dataDir ? '' : `, log in ${dataLogDir}`}`,
    `  last zxid  ${formatHex(own.lastZxid)}${whenText(lastWriteMs(plan), nowMs)}`,
    `  epochs     current ${own.currentEpoch}, accepted ${own.acceptedEpoch}`,
    `  log        ${facts.segments} ${facts.segments === 1 ? 'file' : 'files'}, every checksum verified${facts.wasCleanStop ? '' : '; the server did not stop in order'}`,
    ...torn.map((text) => `             ${text}`),
    `  facts      ${formatSurvivor(own)}   (for --peer on another survivor)`,
  ]
}

function whenText(atMs: number | null, nowMs: number): string {
  if (atMs === null) return ''
  return `, written ${formatTime(atMs)}, ${ago(nowMs - atMs)}`
}

function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function ago(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 0) return 'in the future: look at the clocks'
  if (seconds < 120) return `${seconds} s ago`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} hours ago`
  return `${Math.round(seconds / 86_400)} days ago`
}

function describeOthers({ answering, others, peers }: RescuePlan): string[] {
  if (others.length === 0) return ['other servers: not known']
  return [
    'other servers of the configuration',
    ...others.map(({ id, host, quorumPort, electionPort }) => {
      const answer = answering.find((one) => one.id === id)
      const peer = peers.find((one) => one.id === id)
      const state = answer === undefined ? 'no answer' : `ANSWERS on its ${answer.where}`
      const facts = peer === undefined ? '' : `; survives with ${formatSurvivor(peer)}`
      return `  server ${id}  ${host}:${quorumPort}:${electionPort}  ${state}${facts}`
    }),
  ]
}

function describeLoss(plan: RescuePlan): string[] {
  const { facts, lost, own, peers, raise } = plan
  if (raise === null) return []
  const atMs = lastWriteMs(plan)
  const since = atMs === null ? '' : `, at worst everything since ${formatTime(atMs)}`
  const who = lost.length === 0 ? 'the others' : nameServers(lost)
  const lines = [
    'what may be lost',
    `  writes that ${who} acknowledged and this server never got${since}.`,
    '  How many there are, nobody can tell from here. Sessions and ephemerals made by them are gone too.',
  ]
  if (facts.acceptedEpoch > own.currentEpoch) {
    lines.push(
      `  This server has promised epoch ${facts.acceptedEpoch} and holds the history of epoch ${own.currentEpoch}:`,
      '  the others may have gone on without it.',
    )
  }
  for (const peer of peers) {
    if (peer.currentEpoch === own.currentEpoch && peer.lastZxid <= own.lastZxid) continue
    lines.push(
      `  Server ${peer.id} is at epoch ${peer.currentEpoch}, ${formatHex(peer.lastZxid)}: what only it holds is lost.`,
    )
  }
  return lines
}

function describeSteps({ config, members, objections, own, raise }: RescuePlan): string[] {
  const steps: string[] = []
  if (raise !== null) {
    const { backup, backupPlan, epoch } = raise
    steps.push(
      backupPlan === null
        ? `backup  is there: ${backup}`
        : `backup  to ${backup}, ${megabytes(backupPlan.bytes)}`,
      `epoch   from ${own.currentEpoch} to ${epoch}; the log begins anew at ${formatHex(BigInt(epoch) << 32n)}`,
    )
  }
  if (config !== null) {
    const { dynamic, main, oldCopy } = config
    const old = oldCopy === null ? '' : `; the old one stays as ${oldCopy.file}`
    steps.push(`config  ${main.file} with ${nameServers(members)} only${old}`)
    if (dynamic !== null) steps.push(`        and its list of servers in ${dynamic.file}`)
  }
  return [
    'what is to be done',
    ...steps.map((step) => `  ${step}`),
    ...(config === null
      ? []
      : ['new list of servers', ...serverLines(config).map((line) => `  ${line}`)]),
    ...objections.map(({ reason, overruledBy }) => {
      const flag = overruledBy === null ? '' : ` (${overruledBy} overrules this)`
      return `REFUSED: ${reason}${flag}`
    }),
  ]
}

function serverLines({ dynamic, main }: NonNullable<RescuePlan['config']>): string[] {
  const { text } = dynamic ?? main
  return text.split(/\r\n|\r|\n/).filter((line) => /^\s*(zookeeper\.)?server\.\d/.test(line))
}

export function nameServers(ids: readonly number[]): string {
  const [last, ...rest] = [...ids].reverse()
  if (rest.length === 0) return `server ${last}`
  return `servers ${rest.reverse().join(', ')} and ${last}`
}

/** What the operator does next, once everything is done. */
export function describeNext({ config, lost, members, own, raise }: RescuePlan): string {
  const isElsewhere = config !== null && config.oldCopy === null
  const place = isElsewhere ? `put ${config.main.file} in place, then ` : ''
  const lines = [
    config === null && lost.length === 0
      ? 'done: start this server when its zoo.cfg has the new list of servers, which was not touched'
      : `done: ${place}start this server`,
  ]
  const others = members.filter((id) => id !== own.id)
  if (raise !== null && others.length > 0) {
    const { epoch } = raise
    const facts = {
      ...own,
      acceptedEpoch: epoch,
      currentEpoch: epoch,
      lastZxid: makeZxid(epoch, 0),
    }
    const flags = `--config-only --peer ${formatSurvivor(facts)}`
    lines.push(`${nameServers(others)}: take over the list of servers with ${flags}`)
  }
  if (lost.length > 0) {
    lines.push(
      `${nameServers(lost)}: never again with the old zoo.cfg. docs/runbooks/lost-quorum.md says how lost servers come back`,
    )
  }
  return lines.join('\n')
}

/** What has to be typed before servers that answer, or cannot be asked, are given up. */
export function confirmationFor({ answering, own }: RescuePlan): string {
  const ids = answering.map(({ id }) => id).sort((a, b) => a - b)
  return ids.length === 0 ? `server ${own.id} is the last` : `abandon ${ids.join(',')}`
}

/** The plan for a script. Zxids are hex, as everywhere in ZooKeeper's own output. */
export function planDocument(target: RescueTarget, plan: RescuePlan): Record<string, unknown> {
  const { answering, config, facts, lost, members, objections, own, peers, raise } = plan
  const atMs = lastWriteMs(plan)
  return {
    server: own.id,
    dataDir: target.dataDir,
    lastZxid: formatHex(own.lastZxid),
    lastWrite: atMs === null ? null : new Date(atMs).toISOString(),
    currentEpoch: own.currentEpoch,
    acceptedEpoch: own.acceptedEpoch,
    tornBytes: facts.tornBytes,
    facts: formatSurvivor(own),
    peers: peers.map(formatSurvivor),
    answering,
    members,
    lost,
    epoch: raise?.epoch ?? null,
    backup: raise?.backup ?? null,
    config: config?.main.file ?? null,
    oldConfig: config?.oldCopy?.file ?? null,
    dynamicConfig: config?.dynamic?.file ?? null,
    refused: objections,
  }
}
