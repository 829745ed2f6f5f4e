import type { Stat } from '../client-node/index.ts'
import { javaDate } from './java-text.ts'

/** The eleven lines that zkCli shows of a Stat. */
export function statLines(stat: Stat, timeZone: string): string[] {
  return [
    `cZxid = ${hex(stat.czxid)}`,
    `ctime = ${javaDate(stat.ctime, timeZone)}`,
    `mZxid = ${hex(stat.mzxid)}`,
    `mtime = ${javaDate(stat.mtime, timeZone)}`,
    `pZxid = ${hex(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hex(stat.ephemeralOwner)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ]
}

/** For `--json`: 64-bit numbers are decimal text, since readers of JSON would round them. */
export function statValue(stat: Stat): object {
  return Object.fromEntries(
    Object.entries(stat).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? String(value) : value,
    ]),
  )
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`
}
