export { AdminServer } from './admin-server.ts'
export type { AdminOptions, AdminTarget } from './admin-target.ts'
export type { MetricsSource } from './metrics-page.ts'
export { MetricsServer } from './metrics-server.ts'
