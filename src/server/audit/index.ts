export { type AuditOperation, type AuditRecord, type AuditResult, auditLine } from './audit-line.ts'
export type { AuditSubject } from './audit-subject.ts'
export { type AuditOptions, Auditor, auditorOf } from './auditor.ts'
