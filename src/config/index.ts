export type { Config, ConfigOverrides, ContainerSweep, FourLetterWhitelist } from './config.ts'
export { DEFAULT_FOUR_LETTER_WORDS, defaultConfig, sessionTimeoutRange } from './config.ts'
export { ConfigError } from './config-error.ts'
export type { Danger, FolderFacts, SystemFacts } from './dangers.ts'
export { findDangers } from './dangers.ts'
export type { EnsembleConfig, GroupConfig, MemberAddress, MemberConfig } from './ensemble.ts'
export { addressesOf } from './ensemble.ts'
export { ensembleText, type Membership } from './ensemble-text.ts'
export type { ExplainedName, ExplainedSetting } from './explain.ts'
export { explainSettings, explainUnknown } from './explain.ts'
export { type ImageEnvironment, readImageEnvironment } from './image-environment.ts'
export { propertiesOfCommandLine, propertiesOfVariable } from './java-flags.ts'
export type { Grade, KeySpec, Treatment, ValueKind } from './keys.ts'
export { findKey, KEYS } from './keys.ts'
export type { Limits } from './limits.ts'
export { DEFAULT_LIMITS, REQUEST_FRAME_BYTES_CEILING } from './limits.ts'
export type { FilesBeside, FileText } from './membership.ts'
export { fileSystemOf } from './mounts.ts'
export { parseMyid } from './myid.ts'
export type {
  AdminConfig,
  AuditConfig,
  MetricsProviderConfig,
  ObservabilityConfig,
  WarningsConfig,
} from './observability.ts'
export { adminTokenFault } from './observability.ts'
export { PropertiesError, type Property, parseProperties } from './properties.ts'
export { parseServerLine } from './server-line.ts'
export type { PropertySource } from './settings.ts'
export type { ConnectionThrottleConfig, PeerTuning, Tuning } from './tuning.ts'
export { DEFAULT_TUNING } from './tuning.ts'
export type { ConfigSources, Inspection, NeededFiles, ParsedConfig } from './zoo-cfg.ts'
export { builtInZooCfg, filesBesideZooCfg, inspectZooCfg, parseZooCfg } from './zoo-cfg.ts'
