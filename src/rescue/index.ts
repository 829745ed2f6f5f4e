export { DISK_FILES, type RescueFiles } from './files.ts'
export {
  carryOutRescue,
  inspect,
  prepareRescue,
  type RescueWorld,
  type StepHandler,
} from './force-quorum.ts'
export { JOURNAL_NAME, type Journal, readJournal } from './journal.ts'
export { withDynamicFile, withMembers } from './new-config.ts'
export { type RaisedState, type RaiseOptions, raiseEpoch } from './raise-epoch.ts'
export { EPOCH_LEAD, rescueEpoch } from './rescue-epoch.ts'
export { RescueError, type RescueErrorCode } from './rescue-error.ts'
export type { Objection, RescuePlan } from './rescue-plan.ts'
export type { OldConfig, RescueTarget, RescueWishes } from './rescue-target.ts'
export {
  compareSurvivors,
  formatSurvivor,
  parseSurvivor,
  type Survivor,
  survivorOf,
} from './survivors.ts'
export { confirmationFor, describeNext, describePlan, planDocument } from './text.ts'
