export type { Peer } from './peers.ts'
export {
  cCli,
  cCompiler,
  curator,
  javaClient,
  javaRecipes,
  kazoo,
  npmZookeeper,
  skipWithout,
  zkCli,
} from './peers.ts'
export type { ProgramResult } from './programs.ts'
export { Program, passedSteps, runProgram } from './programs.ts'
export {
  discardServer,
  makeServer,
  ON_ZABKEEPER,
  SERVER_KIND,
  startServer,
} from './test-server.ts'
