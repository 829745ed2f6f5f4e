export { type OpenedSource, openApacheSource } from './apache-source.ts'
export { NewFolder, syncFolder, TargetError } from './new-folder.ts'
