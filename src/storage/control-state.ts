import { type CheckpointMark, type ControlState, RecordKind, readMark } from './format.ts'

/** What the control records amount to after one more of them. `start` is where its payload begins. */
export function applyControl(
  state: ControlState,
  kind: RecordKind,
  view: DataView,
  start: number,
): ControlState {
  switch (kind) {
    case RecordKind.acceptedEpoch:
      return { ...state, acceptedEpoch: view.getUint32(start) }
    case RecordKind.currentEpoch:
      return { ...state, currentEpoch: view.getUint32(start) }
    case RecordKind.checkpointIntent:
      return { ...state, intent: readMark(view, start) }
    case RecordKind.checkpointDone:
    case RecordKind.snapshotInstalled:
      return { ...state, done: readMark(view, start), intent: null }
    default:
      return state
  }
}

/** The checkpoint that has this zxid and generation, if the log knows of one. */
export function markOf(
  state: ControlState,
  generation: number,
  zxid: bigint,
): CheckpointMark | null {
  for (const mark of [state.intent, state.done]) {
    if (mark !== null && mark.generation === generation && mark.summary.zxid === zxid) return mark
  }
  return null
}
