export type { ZooKeeper } from '../client/index.ts'
export type { MemoryConnectOptions, TestMachine } from './client-machine.ts'
export type { TestLogLine, TestServerConfig, TestServerOptions } from './options.ts'
export type {
  RequestFault,
  RequestMatch,
  RequestName,
  StruckRequest,
} from './request-faults.ts'
export type { Direction, TestConnection } from './test-connection.ts'
export type { MemberState, TestMember } from './test-member.ts'
export {
  type SessionOf,
  startTestServer,
  type TestServer,
  type TestSession,
} from './test-server.ts'
