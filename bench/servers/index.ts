export type { ApacheInstall, ServerKind } from './apache.ts'
export { ApacheNotFound, anyApache, apacheAt, findApache } from './apache.ts'
export type { Endpoint, EnsembleMember, EnsembleOptions, MemberSpec, Mode } from './ensemble.ts'
export { Ensemble } from './ensemble.ts'
export { fourLetterWord } from './four-letter-word.ts'
export { freePort, freePorts } from './free-ports.ts'
export type { ExitStatus, ServerOptions } from './server-process.ts'
export {
  missingServer,
  PROJECT_FOLDER,
  pause,
  ServerProcess,
  ZABKEEPER_PROGRAM,
} from './server-process.ts'
