export { type RaisedState, raiseEpoch } from './raise-epoch.ts'
export { EPOCH_LEAD, rescueEpoch } from './rescue-epoch.ts'
