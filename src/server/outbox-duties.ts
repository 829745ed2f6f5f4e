import type { Outbox } from '../zab/index.ts'

/** What is done with each item of a field of the outbox. */
export type Duty<Field extends keyof Outbox> = Outbox[Field] extends (infer Item)[]
  ? (item: Item) => void
  : never

/** Empties a field of the outbox, with what is added meanwhile; how much there was. */
export function drain<T>(field: T[], take: (item: T) => void): number {
  // Most fields are empty, and to set a length costs a call into the engine.
  if (field.length === 0) return 0
  for (let i = 0; i < field.length; i += 1) take(field[i]!)
  const { length } = field
  field.length = 0
  return length
}

/** What is done with each item of a field of the outbox. */
export interface Duties {
  readonly vote: Duty<'notifications'>
  readonly connect: Duty<'connects'>
  readonly send: Duty<'packets'>
  readonly close: Duty<'closes'>
  readonly commit: Duty<'commits'>
  readonly changeRole: Duty<'roleChanges'>
  readonly takeSnapshot: Duty<'snapshotRequests'>
  readonly readEntries: Duty<'entryRequests'>
  readonly deliver: Duty<'deliveries'>
  readonly confirm: Duty<'confirmed'>
  readonly refuse: Duty<'unconfirmed'>
  readonly warn: Duty<'warnings'>
  readonly trace: Duty<'traces'>
}
