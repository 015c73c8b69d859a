import { covers, heldPermissions, STANDARD_SCOPES } from '../../scopes/registry';
import type { Visit } from '../request/visit';
import { scopeModel, type ScopeModel } from '../view/scope-model';

/** A scope with a checkbox. */
interface ScopeChoice extends ScopeModel {
    checked: boolean;
}

/** The scopes that the account may allow an application. `offline_access` has a checkbox of its own elsewhere. */
export function scopeChoices(
    { account, pages }: Visit,
    chosen: readonly string[]
): { standard: ScopeChoice[]; permissions: ScopeChoice[] } {
    const { scopeRegistry } = pages.context;
    const held = heldPermissions(scopeRegistry, account.permissions);
    const choice = (scope: string): ScopeChoice => ({ ...scopeModel(pages, scope), checked: chosen.includes(scope) });
    return {
        standard: STANDARD_SCOPES.filter((scope) => scope !== 'offline_access').map(choice),
        permissions: scopeRegistry.permissions.filter((scope) => covers(scopeRegistry, held, scope)).map(choice)
    };
}
