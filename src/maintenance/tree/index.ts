export { compareTrees, type Difference } from './compare.ts'
export { differencesText, reportState, type StateReport, stateJson, stateText } from './describe.ts'
export { reportTree, type TreeReport } from './tree-report.ts'
