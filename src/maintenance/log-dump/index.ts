export { type DumpFilter, type DumpReport, type DumpSink, dumpLog } from './dump.ts'
export { type DumpedEntry, entryJson, entryText } from './entry.ts'
