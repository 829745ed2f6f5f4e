import { NoNodeError, type ZooKeeper } from '../../client-node/index.ts'
import type { Command, CommandContext } from '../command.ts'
import { CommandError, usageError } from '../failures.ts'
import { type Arguments, type FlagSet, NO_FLAGS } from '../flags.ts'
import { checkPath, childPath } from '../paths.ts'
import {
  countPath,
  isLimitNode,
  limitPath,
  parseQuota,
  QUOTA_ROOT,
  type QuotaFields,
  quotaField,
  quotaPath,
  quotaText,
} from '../quota-text.ts'
import { getChildren, pathOf, visitTree } from './reads.ts'

const UTF8 = new TextDecoder()

/** Flags and the limits that they stand for. */
const LIMITS: readonly { readonly flag: string; readonly field: string; readonly text: string }[] =
  [
    { flag: 'n', field: 'count', text: 'num soft quota' },
    { flag: 'b', field: 'bytes', text: 'bytes soft quota' },
    { flag: 'N', field: 'countHardLimit', text: 'num hard quota' },
    { flag: 'B', field: 'byteHardLimit', text: 'bytes hard quota' },
  ]

/** What is counted, the limits for it, and the least that makes sense. */
const MEASURES = [
  { name: 'num', noun: 'count', fields: ['count', 'countHardLimit'], min: 1n },
  { name: 'bytes', noun: 'bytes', fields: ['bytes', 'byteHardLimit'], min: 0n },
] as const

function limitFlags(choice: 'atMostOne' | 'exactlyOne'): FlagSet {
  const hasValue = choice === 'exactlyOne' ? ({ hasValue: true } as const) : {}
  return {
    choice,
    flags: LIMITS.map(({ flag, text }) => ({ name: flag, description: text, ...hasValue })),
  }
}

const SET_QUOTA: Command = {
  name: 'setquota',
  usage: '-n|-b|-N|-B val path',
  flags: limitFlags('exactlyOne'),
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    if (path.startsWith(QUOTA_ROOT)) {
      throw new CommandError('BAD_PATH', `cannot set a quota under the path: ${QUOTA_ROOT}`, {
        path,
      })
    }
    const [field, value] = readLimit(args)
    checkPath(path)
    const zk = await context.client(path)
    if ((await zk.exists(path, context.call)) === null) {
      throw new CommandError('NO_NODE', `${path} does not exist.`, { path })
    }
    await refuseNested(zk, path, context)
    return quotaValue(await storeLimit(zk, path, field, value, context))
  },
}

const LIST_QUOTA: Command = {
  name: 'listquota',
  usage: 'path',
  flags: NO_FLAGS,
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    const at = limitPath(path)
    context.output.complain(`absolute path is ${at}`)
    checkPath(path)
    const zk = await context.client(at)
    try {
      const limits = await readFields(zk, at, context)
      const counts = await readFields(zk, countPath(path), context)
      context.output.print(`Output quota for ${path} ${quotaText(limits)}`)
      context.output.print(`Output stat for ${path} ${quotaText(counts)}`)
      return { quota: quotaValue(limits), stat: quotaValue(counts) }
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
      context.output.complain(`quota for ${path} does not exist.`)
      return null
    }
  },
}

const DEL_QUOTA: Command = {
  name: 'delquota',
  usage: '[-n|-b|-N|-B] path',
  flags: limitFlags('atMostOne'),
  operandsMin: 1,
  async run(context, args) {
    const path = pathOf(args)
    checkPath(path)
    const at = limitPath(path)
    const zk = await context.client(at)
    if ((await zk.exists(at, context.call)) === null) {
      context.output.print(`Quota does not exist for ${path}`)
      return { isChanged: false }
    }
    const limit = LIMITS.find(({ flag }) => args.has(flag))
    try {
      if (limit === undefined) await deleteQuota(zk, path, context)
      else {
        const fields = await readFields(zk, at, context)
        await zk.setData(at, quotaText(fields.set(limit.field, -1n)), -1, context.call)
      }
    } catch (error) {
      if (!(error instanceof NoNodeError)) throw error
      context.output.complain(`quota for ${path} does not exist.`)
    }
    return { isChanged: true }
  },
}

export const QUOTA_COMMANDS: readonly Command[] = [SET_QUOTA, LIST_QUOTA, DEL_QUOTA]

/** @throws CommandError when the value is none */
function readLimit(args: Arguments): readonly [field: string, value: bigint] {
  const { flag, field } = LIMITS.find((limit) => args.has(limit.flag))!
  const text = args.value(flag)!
  if (!/^[+-]?\d+$/.test(text)) {
    throw usageError(`-${flag} must be a whole number, not ${JSON.stringify(text)}`)
  }
  const value = BigInt(text)
  const { name, min } = MEASURES.find(({ fields }) =>
    (fields as readonly string[]).includes(field),
  )!
  const max = name === 'num' ? 0x7fff_ffffn : 0x7fff_ffff_ffff_ffffn
  if (value > max) throw usageError(`-${flag} must not be greater than ${max}`)
  if (value >= min) return [field, value]
  const least = min === 0n ? 'greater than or equal to zero' : 'greater than zero'
  throw usageError(`the ${name} quota must be ${least}`)
}

/** Quotas do not nest. @throws CommandError */
async function refuseNested(zk: ZooKeeper, path: string, context: CommandContext): Promise<void> {
  const own = limitPath(path)
  const refuse = (limit: string, relation: string): never => {
    const other = limit.slice(QUOTA_ROOT.length, limit.lastIndexOf('/'))
    const message = `${path} has a ${relation} ${other} which has a quota`
    throw new CommandError('QUOTA_NESTED', message, { path })
  }
  try {
    await visitTree(zk, quotaPath(path), false, context, (found) => {
      const name = found.slice(found.lastIndexOf('/') + 1)
      if (isLimitNode(name) && found !== own) refuse(found, 'child')
    })
  } catch (error) {
    if (!(error instanceof NoNodeError)) throw error
  }
  const names = path.split('/').slice(1, -1)
  let at = QUOTA_ROOT
  for (const name of names) {
    at = childPath(at, name)
    const limit = (await childrenOf(zk, at, context)).find(isLimitNode)
    if (limit !== undefined) refuse(childPath(at, limit), 'parent')
  }
}

async function childrenOf(
  zk: ZooKeeper,
  path: string,
  context: CommandContext,
): Promise<readonly string[]> {
  try {
    return (await getChildren(zk, path, false, context)).children
  } catch (error) {
    if (error instanceof NoNodeError) return []
    throw error
  }
}

/** Sets one limit; the others of the path stay. Resolves with all of them. */
async function storeLimit(
  zk: ZooKeeper,
  path: string,
  field: string,
  value: bigint,
  context: CommandContext,
): Promise<QuotaFields> {
  const at = limitPath(path)
  const fresh = new Map(LIMITS.map((limit) => [limit.field, -1n]))
  if ((await zk.exists(at, context.call)) !== null) {
    const limits = (await readFields(zk, at, context)).set(field, value)
    warn(limits, await readFields(zk, countPath(path), context), context)
    await zk.setData(at, quotaText(limits), -1, context.call)
    return limits
  }
  const limits = fresh.set(field, value)
  await zk.ensurePath(quotaPath(path), context.call)
  await zk.create(at, quotaText(limits), context.call)
  const none = new Map([
    ['count', 0n],
    ['bytes', 0n],
  ])
  await zk.create(countPath(path), quotaText(none), context.call)
  warn(limits, await readFields(zk, countPath(path), context), context)
  return limits
}

/** A limit that is exceeded already. */
function warn(limits: QuotaFields, counts: QuotaFields, { output }: CommandContext): void {
  for (const { noun, fields } of MEASURES) {
    const count = quotaField(counts, fields[0])
    const isExceeded = fields.some((field) => {
      const limit = quotaField(limits, field)
      return limit > -1n && limit < count
    })
    if (isExceeded) {
      output.print(
        `[Warning]: the ${noun} quota you create is less than the existing ${noun}:${count}`,
      )
    }
  }
}

/** Takes the znodes of a quota away, and those above that held nothing else. */
async function deleteQuota(zk: ZooKeeper, path: string, context: CommandContext): Promise<void> {
  let at = quotaPath(path)
  for (const name of await childrenOf(zk, at, context)) {
    await zk.delete(childPath(at, name), -1, context.call)
  }
  while (at !== QUOTA_ROOT && (await childrenOf(zk, at, context)).length === 0) {
    await zk.delete(at, -1, context.call)
    at = at.slice(0, at.lastIndexOf('/'))
  }
}

async function readFields(
  zk: ZooKeeper,
  path: string,
  { call }: CommandContext,
): Promise<Map<string, bigint>> {
  return parseQuota(UTF8.decode((await zk.getData(path, call)).data))
}

function quotaValue(fields: QuotaFields): object {
  return Object.fromEntries([...fields].map(([name, value]) => [name, String(value)]))
}
