/** Decides who may use the service: keys, sessions, scopes and host names. It knows nothing of HTTP's framework. */

export { Access, ANONYMOUS, type Authentication } from './access.ts';
export { type AuditEvent, AuditLog, auditCheck } from './audit-log.ts';
export { type KeyBook, withKeysOf } from './folder-keys.ts';
export { AllowedHosts, clientNetwork, isHostOrOrigin, isLoopback, type SiteFields } from './hosts.ts';
export { type KeyRequest, Keys, type MintedKey } from './keys.ts';
export { openAccess } from './open-access.ts';
export { Quotas } from './quotas.ts';
export {
  allows,
  isSameActor,
  limitKey,
  type Principal,
  type RouteAccess,
  SCOPE_TEXTS,
} from './scopes.ts';
export { Sessions } from './sessions.ts';
