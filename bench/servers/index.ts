export type { ApacheInstall, ServerKind } from './apache.ts'
export { ApacheNotFound, anyApache, apacheAt, findApache } from './apache.ts'
export type { Endpoint, EnsembleMember, EnsembleOptions, MemberSpec, Mode } from './ensemble.ts'
export { Ensemble, freePorts } from './ensemble.ts'
export { fourLetterWord } from './four-letter-word.ts'
export type { ExitStatus, ServerOptions } from './server-process.ts'
export {
  freePort,
  missingServer,
  PROJECT_FOLDER,
  pause,
  ServerProcess,
  ZABKEEPER_PROGRAM,
} from './server-process.ts'
