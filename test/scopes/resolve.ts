import { expect } from '@hapi/code';
import * as Lab from '@hapi/lab';
import * as fc from 'fast-check';
import {
    inheritsPermissions,
    narrowApproved,
    narrowScope,
    resolveScope,
    shareScope,
    unknownScope,
    type ScopeRule
} from '../../plugin/scopes/resolve';
import { expand, isStandardScope, STANDARD_SCOPES, type ScopeRegistry } from '../../plugin/scopes/registry';

const lab = Lab.script();
export { lab };
const { describe, it } = lab;

const ADMIN = 'ADMIN';
const words: ScopeRegistry = { permissions: ['READ', 'WRITE', ADMIN, 'BAN', 'LIKE'], administrator: ADMIN };
const standard: string[] = [...STANDARD_SCOPES];
const scopes = [...standard, ...words.permissions];

const explicit = (...allowed: string[]): ScopeRule => ({ policy: 'explicit', allowed });
const inherit = (...allowed: string[]): ScopeRule => ({ policy: 'inherit', allowed });

/** What a set of what someone may do comes to, by the definition of the wildcard. */
function meaning(may: readonly string[]): Set<string> {
    return new Set(expand(words, may));
}

const isIn = (may: readonly string[], name: string): boolean => meaning(may).has(name);
const permissionsOf = (names: readonly string[]): string[] => names.filter((name) => !isStandardScope(name));
const standardOf = (names: readonly string[]): string[] => names.filter(isStandardScope);
const withoutWildcard = (names: Iterable<string>): string[] => [...names].filter((name) => name !== ADMIN).sort();

const someScopes = fc.subarray(scopes).chain((names) => fc.shuffledSubarray(names, { minLength: names.length }));
/** As hosts list them: in any order, twice, and with names that the forum does not know. */
const listed = fc.array(fc.constantFrom(...words.permissions, 'FLY', 'openid'), { maxLength: 8 });
const policy = fc.constantFrom<ScopeRule['policy']>('explicit', 'inherit');
const rules = fc.record({ policy, allowed: someScopes });
const known = (names: readonly string[]): string[] => words.permissions.filter((name) => names.includes(name));

function always<Values>(property: fc.IProperty<Values>): void {
    fc.assert(property, { numRuns: 400 });
}

describe('an unknown scope', () => {
    it('is the first name of a request that is neither a standard scope nor a permission', () => {
        expect(unknownScope(words, ['openid', 'READ', 'FLY', 'SWIM'])).to.equal('FLY');
        expect(unknownScope(words, scopes)).to.be.undefined();
        expect(unknownScope(words, [])).to.be.undefined();
    });
});

describe('what an explicit client is granted', () => {
    it('is what was requested, allowed and held, in the requested order', () => {
        const { granted, inherits, notAllowed } = resolveScope(
            words,
            explicit('openid', 'READ', 'WRITE', 'LIKE'),
            ['WRITE', 'openid', 'LIKE', 'READ'],
            ['READ', 'WRITE', 'BAN']
        );
        expect(granted).to.equal(['WRITE', 'openid', 'READ']);
        expect(inherits).to.be.false();
        expect(notAllowed).to.equal([]);
    });

    it('leaves out what the client is not allowed, and names it', () => {
        const result = resolveScope(words, explicit('READ'), ['email', 'BAN', 'READ', 'openid'], ['READ', 'BAN']);
        expect(result.granted).to.equal(['READ']);
        expect(result.notAllowed).to.equal(['email', 'BAN', 'openid']);
    });

    it('leaves out silently what the account lacks', () => {
        const result = resolveScope(words, explicit('READ', 'BAN'), ['BAN', 'READ'], ['READ']);
        expect(result).to.equal({ granted: ['READ'], inherits: false, notAllowed: [] });
    });

    it('is nothing when nothing was requested', () => {
        const result = resolveScope(words, explicit(...scopes), [], words.permissions);
        expect(result).to.equal({ granted: [], inherits: false, notAllowed: [] });
    });

    it('has standard scopes whatever the account holds', () => {
        expect(resolveScope(words, explicit('openid'), ['openid'], []).granted).to.equal(['openid']);
    });

    it('takes the wildcard of client and account for every permission, and that of a request for itself', () => {
        const all = explicit(ADMIN);
        expect(resolveScope(words, all, ['READ', 'BAN'], [ADMIN]).granted).to.equal(['READ', 'BAN']);
        expect(resolveScope(words, all, [ADMIN], [ADMIN]).granted).to.equal([ADMIN]);
        expect(resolveScope(words, all, [ADMIN], ['READ', 'BAN']).granted).to.equal([]);
        expect(resolveScope(words, explicit('READ', 'BAN'), [ADMIN], [ADMIN])).to.equal({
            granted: [],
            inherits: false,
            notAllowed: [ADMIN]
        });
    });

    it('has no standard scope by the wildcard', () => {
        const { granted, notAllowed } = resolveScope(words, explicit(ADMIN), standard, [ADMIN]);
        expect(granted).to.equal([]);
        expect(notAllowed).to.equal(standard);
    });
});

describe('what an inheriting client is granted', () => {
    it('is the allowed standard scopes in their order, then all that the account holds in that of the registry', () => {
        const result = resolveScope(
            words,
            inherit('profile', 'openid'),
            ['profile', 'email', 'openid'],
            ['BAN', 'READ']
        );
        expect(result).to.equal({
            granted: ['profile', 'openid', 'READ', 'BAN'],
            inherits: true,
            notAllowed: ['email']
        });
    });

    it('is all that the account holds when nothing was requested', () => {
        expect(resolveScope(words, inherit(), [], ['LIKE', 'READ']).granted).to.equal(['READ', 'LIKE']);
    });

    it('says of an administrator what the host lists, and spells nothing out', () => {
        const { granted } = resolveScope(words, inherit('openid'), ['openid'], ['LIKE', ADMIN, 'FLY', 'LIKE']);
        expect(granted).to.equal(['openid', ADMIN, 'LIKE']);
    });

    it('is as for an explicit client once a permission is requested', () => {
        const rule = inherit('openid', 'READ', 'BAN');
        const result = resolveScope(words, rule, ['READ', 'openid', 'WRITE', 'BAN'], ['READ', 'WRITE']);
        expect(result).to.equal({ granted: ['READ', 'openid'], inherits: false, notAllowed: ['WRITE'] });
        expect(inheritsPermissions(rule, ['openid'])).to.be.true();
        expect(inheritsPermissions(rule, ['openid', 'READ'])).to.be.false();
        expect(inheritsPermissions(explicit(), ['openid'])).to.be.false();
    });
});

describe('whatever is requested, allowed and held', () => {
    it('nothing is granted that was not requested, allowed and held', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, requested, holds) => {
                const held = known(holds);
                const { granted, inherits, notAllowed } = resolveScope(words, rule, requested, holds);
                expect(new Set(granted).size).to.equal(granted.length);
                for (const name of granted) {
                    if (!(inherits && !isStandardScope(name))) {
                        expect(requested).to.include(name);
                        expect(isIn(rule.allowed, name)).to.be.true();
                        expect(notAllowed).to.not.include(name);
                    }
                    expect(isStandardScope(name) || isIn(held, name)).to.be.true();
                }
            })
        );
    });

    it('everything is granted that was requested, allowed and held', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, requested, holds) => {
                const { granted, notAllowed } = resolveScope(words, rule, requested, holds);
                for (const name of requested) {
                    const allowed = isIn(rule.allowed, name);
                    expect(notAllowed.includes(name)).to.equal(!allowed);
                    expect(granted.includes(name)).to.equal(
                        allowed && (isStandardScope(name) || isIn(known(holds), name))
                    );
                }
            })
        );
    });

    it('the requested order is kept, and inherited permissions come last', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, requested, holds) => {
                const { granted, inherits } = resolveScope(words, rule, requested, holds);
                const asked = inherits ? standardOf(granted) : granted;
                expect(asked).to.equal(requested.filter((name) => asked.includes(name)));
                if (inherits) {
                    expect(granted).to.equal([...asked, ...known(holds)]);
                }
            })
        );
    });

    it('more permissions never lead to less, nor does a longer list of allowed scopes', () => {
        always(
            fc.property(rules, someScopes, listed, listed, someScopes, (rule, requested, holds, more, allowed) => {
                const { granted } = resolveScope(words, rule, requested, holds);
                const wider = { ...rule, allowed: [...rule.allowed, ...allowed] };
                const promoted = resolveScope(words, rule, requested, [...holds, ...more]).granted;
                const entrusted = resolveScope(words, wider, requested, holds).granted;
                expect(granted.every((name) => promoted.includes(name) && entrusted.includes(name))).to.be.true();
            })
        );
    });

    it('an account or client with the wildcard is worth as much as one with every permission by name', () => {
        const all = words.permissions;
        always(
            fc.property(someScopes, listed, someScopes, (requested, holds, allowed) => {
                const rule = { policy: 'explicit' as const, allowed };
                expect(resolveScope(words, rule, requested, [...holds, ADMIN]).granted).to.equal(
                    resolveScope(words, rule, requested, [...all]).granted
                );
                expect(resolveScope(words, explicit(...allowed, ADMIN), requested, holds)).to.equal(
                    resolveScope(words, explicit(...allowed, ...all), requested, holds)
                );
            })
        );
    });
});

describe('what is left of an earlier scope', () => {
    it('is what an explicit client is still allowed and its user still holds, in the earlier order', () => {
        const earlier = ['WRITE', 'openid', 'READ', 'email', 'BAN'];
        const rule = explicit('openid', 'READ', 'WRITE');
        expect(narrowScope(words, rule, earlier, ['BAN', 'READ', 'WRITE'])).to.equal(['WRITE', 'openid', 'READ']);
        expect(narrowScope(words, rule, earlier, ['READ'])).to.equal(['openid', 'READ']);
    });

    it('is what the user of an inheriting client still holds, whatever the client is allowed', () => {
        expect(narrowScope(words, inherit(), ['openid', 'READ', 'BAN'], ['READ', 'LIKE'])).to.equal(['openid', 'READ']);
    });

    it('gains nothing by a promotion', () => {
        for (const rule of [inherit('openid'), explicit('openid', ADMIN)]) {
            expect(narrowScope(words, rule, ['openid', 'READ'], [ADMIN, 'READ', 'WRITE'])).to.equal(['openid', 'READ']);
            expect(narrowScope(words, rule, ['openid', 'READ'], [ADMIN])).to.equal(['openid', 'READ']);
        }
    });

    it('is for a demoted administrator the permissions that are left, in the order of the registry', () => {
        const earlier = ['openid', ADMIN];
        expect(narrowScope(words, inherit('openid'), earlier, ['BAN', 'READ'])).to.equal(['openid', 'READ', 'BAN']);
        expect(narrowScope(words, explicit('openid', ADMIN), earlier, ['BAN', 'READ'])).to.equal([
            'openid',
            'READ',
            'BAN'
        ]);
        expect(narrowScope(words, inherit('openid'), [ADMIN, 'LIKE'], ['BAN', 'LIKE'])).to.equal(['LIKE', 'BAN']);
        expect(narrowScope(words, inherit('openid'), earlier, [])).to.equal(['openid']);
    });

    it('does not come back with a second promotion', () => {
        const demoted = narrowScope(words, inherit(), ['openid', ADMIN], ['READ']);
        expect(narrowScope(words, inherit(), demoted, [ADMIN, 'READ', 'WRITE'])).to.equal(['openid', 'READ']);
    });

    it('is for a client that lost the wildcard what it is still allowed', () => {
        expect(narrowScope(words, explicit('READ', 'LIKE'), [ADMIN], [ADMIN])).to.equal(['READ', 'LIKE']);
        expect(narrowScope(words, explicit('READ', 'LIKE'), [ADMIN], ['LIKE', 'BAN'])).to.equal(['LIKE']);
        expect(narrowScope(words, explicit('openid'), [ADMIN, 'openid'], [ADMIN])).to.equal(['openid']);
    });

    it('has no permission that the forum knows no longer', () => {
        expect(narrowScope(words, inherit(), ['openid', 'FLY', 'READ'], ['FLY', ADMIN])).to.equal(['openid', 'READ']);
    });

    it('never goes beyond the earlier scope, the client and the account', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, earlier, holds) => {
                const left = narrowScope(words, rule, earlier, holds);
                expect(new Set(left).size).to.equal(left.length);
                for (const name of left) {
                    expect(isIn(earlier, name)).to.be.true();
                    expect(isStandardScope(name) || isIn(known(holds), name)).to.be.true();
                    expect(rule.policy === 'inherit' || isIn(rule.allowed, name)).to.be.true();
                }
            })
        );
    });

    it('is the whole intersection, the wildcard of each taken for all permissions', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, earlier, holds) => {
                const left = narrowScope(words, rule, earlier, holds);
                const expected = scopes.filter(
                    (name) =>
                        isIn(earlier, name) &&
                        (rule.policy === 'inherit' || isIn(rule.allowed, name)) &&
                        (isStandardScope(name) || isIn(known(holds), name))
                );
                expect(withoutWildcard(meaning(left))).to.equal(withoutWildcard(expected));
                // The wildcard itself stays only where each of the three has it.
                const all = [earlier, known(holds), ...(rule.policy === 'explicit' ? [rule.allowed] : [])];
                expect(left.includes(ADMIN)).to.equal(all.every((names) => names.includes(ADMIN)));
            })
        );
    });

    it('only shrinks from one refresh to the next, whatever happens to account and client', () => {
        const step = fc.record({ allowed: someScopes, holds: listed });
        always(
            fc.property(policy, someScopes, fc.array(step, { maxLength: 6 }), (which, first, steps) => {
                let scope: string[] = first;
                for (const { allowed, holds } of steps) {
                    const next = narrowScope(words, { policy: which, allowed }, scope, holds);
                    const before = meaning(scope);
                    expect([...meaning(next)].every((name) => before.has(name))).to.be.true();
                    scope = next;
                }
            })
        );
    });

    it('is the same when nothing has changed since', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, earlier, holds) => {
                const once = narrowScope(words, rule, earlier, holds);
                expect(narrowScope(words, rule, once, holds)).to.equal(once);
            })
        );
    });

    it('keeps what was granted while client and account stay as they are', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, requested, holds) => {
                const { granted } = resolveScope(words, rule, requested, holds);
                expect(narrowScope(words, rule, granted, holds)).to.equal(granted);
                expect(narrowApproved(words, rule, requested, granted, holds)).to.equal(granted);
            })
        );
    });

    it('keeps the earlier order of what stays by its own name', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, earlier, holds) => {
                const left = narrowScope(words, rule, earlier, holds);
                const stayed = earlier.filter((name) => left.includes(name));
                expect(left.slice(0, stayed.length)).to.equal(stayed);
            })
        );
    });
});

describe('what an approval is worth when its code is exchanged', () => {
    it('has lost what the client is allowed no longer', () => {
        const approved = ['openid', 'READ', 'BAN'];
        expect(narrowApproved(words, explicit('openid', 'READ'), approved, approved, ['READ', 'BAN'])).to.equal([
            'openid',
            'READ'
        ]);
        expect(narrowApproved(words, explicit('READ'), approved, approved, ['READ', 'BAN'])).to.equal(['READ']);
    });

    it('has lost what the account holds no longer', () => {
        expect(narrowApproved(words, explicit('READ', 'BAN'), ['READ', 'BAN'], ['READ', 'BAN'], ['BAN'])).to.equal([
            'BAN'
        ]);
    });

    it('holds inherited permissions against the account only, and standard scopes against the client', () => {
        const rule = inherit('openid');
        const left = narrowApproved(words, rule, ['openid', 'email'], ['openid', 'email', 'READ', 'BAN'], ['BAN']);
        expect(left).to.equal(['openid', 'BAN']);
    });

    it('holds permissions that an inheriting client asked for by name against the client too', () => {
        const left = narrowApproved(words, inherit('BAN'), ['READ', 'BAN'], ['READ', 'BAN'], ['READ', 'BAN']);
        expect(left).to.equal(['BAN']);
    });

    it('gains nothing by a promotion after the approval', () => {
        expect(narrowApproved(words, inherit('openid'), ['openid'], ['openid', 'READ'], [ADMIN, 'READ'])).to.equal([
            'openid',
            'READ'
        ]);
    });

    it('is never more than was approved', () => {
        always(
            fc.property(rules, rules, someScopes, listed, listed, (rule, later, requested, holds, holdsLater) => {
                const { granted } = resolveScope(words, rule, requested, holds);
                const left = narrowApproved(words, { ...later, policy: rule.policy }, requested, granted, holdsLater);
                for (const name of left) {
                    expect(isIn(granted, name)).to.be.true();
                    expect(isStandardScope(name) || isIn(known(holdsLater), name)).to.be.true();
                    expect(!isStandardScope(name) || later.allowed.includes(name)).to.be.true();
                }
            })
        );
    });
});

describe('what a client does as its owner', () => {
    it('is all that both share when no scope is requested, without standard scopes', () => {
        const rule = explicit('openid', 'LIKE', 'READ', 'WRITE');
        expect(shareScope(words, rule, [], ['WRITE', 'BAN', 'READ'])).to.equal(['READ', 'WRITE']);
    });

    it('is what both share when one of them has the wildcard', () => {
        expect(shareScope(words, explicit(ADMIN), [], ['BAN', 'READ'])).to.equal(['READ', 'BAN']);
        expect(shareScope(words, explicit('LIKE', 'READ'), [], [ADMIN])).to.equal(['READ', 'LIKE']);
        expect(shareScope(words, explicit(ADMIN), [], [ADMIN])).to.equal([ADMIN]);
    });

    it('is of a request what both share, in its order and without standard scopes', () => {
        const rule = explicit('openid', 'READ', 'WRITE', 'LIKE');
        expect(shareScope(words, rule, ['WRITE', 'openid', 'LIKE', 'READ'], ['READ', 'WRITE'])).to.equal([
            'WRITE',
            'READ'
        ]);
        expect(shareScope(words, rule, ['openid'], ['READ'])).to.equal([]);
    });

    it('is all that the owner of an inheriting client holds', () => {
        expect(shareScope(words, inherit('openid'), [], ['LIKE', 'READ'])).to.equal(['READ', 'LIKE']);
        expect(shareScope(words, inherit('READ'), ['READ', 'LIKE'], ['LIKE', 'READ'])).to.equal(['READ']);
    });

    it('never goes beyond request, client and owner, and has no standard scope', () => {
        always(
            fc.property(rules, someScopes, listed, (rule, requested, holds) => {
                const shared = shareScope(words, rule, requested, holds);
                expect(permissionsOf(shared)).to.equal(shared);
                expect(new Set(shared).size).to.equal(shared.length);
                for (const name of shared) {
                    expect(isIn(known(holds), name)).to.be.true();
                    expect(requested.length === 0 || requested.includes(name)).to.be.true();
                    const inherited = rule.policy === 'inherit' && requested.length === 0;
                    expect(inherited || isIn(rule.allowed, name)).to.be.true();
                }
            })
        );
    });
});
