import Joi from 'joi';
import { accessKeys } from './access-keys';
import { accounts } from './accounts';
import { bearer } from './bearer';
import { caps } from './caps';
import { dataSource } from './data-source';
import { firstPartyClients } from './first-party-clients';
import { lifetimes } from './lifetimes';
import { limits, limitsSettings, type LimitsSettings } from './limits';
import { permissions } from './permissions';
import { describeProblem } from './problem';
import { redirectSchemes } from './redirect-schemes';
import { resources, tokensOf, type Resource } from './resources';
import { secret, secretsOf, type Secret } from './secret';
import { clientMetadataDocuments, registration, selfMadeScopes } from './self-made-clients';
import { session } from './session';
import type { Settings } from './settings';
import { audience, signingKeys } from './signing-keys';
import { issuer, urls } from './urls';

/** The options as the schema leaves them: checked, with their defaults. */
type Checked = Omit<Settings, 'origin' | 'limits' | 'secrets' | 'audience' | 'resources' | 'advertisedScopes'> & {
    audience?: string;
    resources?: Resource[];
    advertisedScopes?: string[];
    limits: LimitsSettings | false;
    secret?: Secret | Secret[];
};

const schema = Joi.object<Checked>({
    issuer: issuer.required(),
    dataSource,
    accounts,
    session,
    permissions,
    signingKeys,
    secret,
    audience,
    resources,
    advertisedScopes: Joi.array().items(Joi.string()).unique(),
    unknownScopes: Joi.valid('refuse', 'ignore').default('refuse'),
    lifetimes,
    urls,
    firstPartyClients,
    redirectSchemes,
    registration,
    clientMetadataDocuments,
    accessKeys,
    bearer,
    limits,
    caps,
    jobs: Joi.valid('in-process'),
    clock: Joi.function().default(() => () => Date.now())
})
    .required()
    .label('options')
    .prefs({ convert: false });

/**
 * Checks the options and fills in the defaults.
 *
 * @throws Error that names the option, what was expected and what was given
 */
export function readOptions(options: unknown): Settings {
    const result = schema.validate(options);
    if (result.error) {
        throw new Error(`hapi-forum-oauth: ${describeProblem(result.error)}`);
    }
    const { secret: given, ...value } = result.value;
    const { issuer: url, limits: limited, signingKeys: keys } = value;
    return {
        ...value,
        ...tokensOf(value),
        ...selfMade(value),
        origin: new URL(url).origin,
        secrets: secretsOf({ secret: given, signingKeys: keys }),
        limits: limitsSettings(limited)
    };
}

/** @throws Error for scopes that such clients may not have, and for a test's resolver where it is no test */
function selfMade({
    issuer: url,
    permissions: known,
    registration: register,
    clientMetadataDocuments: documents
}: Checked): Pick<Settings, 'registration' | 'clientMetadataDocuments'> {
    if (documents && (documents.resolve ?? documents.ca) !== undefined && !url.startsWith('http:')) {
        throw new Error(
            'hapi-forum-oauth: "clientMetadataDocuments.resolve" and "ca" are for tests, where the issuer is http on a loopback host'
        );
    }
    return {
        registration: register && {
            ...register,
            scopes: selfMadeScopes('registration', register.scopes, known)
        },
        clientMetadataDocuments: documents && {
            ...documents,
            scopes: selfMadeScopes('clientMetadataDocuments', documents.scopes, known)
        }
    };
}
